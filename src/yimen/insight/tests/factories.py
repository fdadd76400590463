"""A region with two departments and cases of every fate, spread over two months."""

import random
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db import transaction

from yimen.cases import actions, bulk
from yimen.cases.actions import Handed
from yimen.cases.models import Case
from yimen.cases.tests.factories import make_version
from yimen.ledger import actions as ledger
from yimen.ledger.actions import SYSTEM
from yimen.lib.workdays import LOCAL_ZONE
from yimen.people.models import Department, Region, Role
from yimen.people.tests.factories import make_applicant, make_center, make_department, make_region, make_staff

FIRST = date(2026, 3, 2)


def moment(day: date, hour: int = 10, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), LOCAL_ZONE)


class Office:
    def __init__(self, code: str = "500000") -> None:
        self.region: Region = make_region(code, f"演示市 {code}")
        self.center = make_center(self.region)
        self.departments: list[Department] = [make_department(self.region) for _n in range(2)]
        self.versions = [
            make_version(immediate=immediate, promised_days=5, department=department)
            for department in self.departments
            for immediate in (True, False)
        ]
        self.applicant = make_applicant(region=self.region)
        self.clerk = make_staff(Role.CLERK, Role.APPROVER, department=self.departments[0], for_region=True)
        self.approver = make_staff(Role.APPROVER, department=self.departments[0], for_region=True)

    def load(self, n: int, *, seed: int = 1, days: int = 60) -> None:
        """n cases received within `days` days of FIRST, a third of the promised ones still open, some late."""
        chance = random.Random(seed)
        rows = []
        for _n in range(n):
            version = chance.choice(self.versions)
            received = moment(FIRST) + timedelta(minutes=chance.randrange(days * 24 * 60))
            accepted = received + timedelta(minutes=chance.randrange(3 * 24 * 60)) if chance.random() < 0.95 else None
            completed = delivered = None
            if accepted and (version.is_immediate or chance.random() < 0.67):
                completed = accepted + timedelta(minutes=chance.randrange(1, 20 * 24 * 60))
                delivered = completed + timedelta(days=1) if chance.random() < 0.5 else None
            times = (received, accepted, completed, delivered)
            rows.append(bulk.PastCase(version, self.applicant, *times, clerk=self.clerk, decided_by=self.clerk))
        bulk.load(rows, center=self.center, by=SYSTEM)

    def receive(self, at: datetime, version: int = 1) -> Case:
        chosen = self.versions[version]
        handed = {material.pk: Handed("complete") for material in chosen.materials.all()}
        return actions.receive(chosen, self.applicant, center=self.center, materials=handed, by=self.clerk, at=at)

    def accept(self, at: datetime, version: int = 1) -> Case:
        return actions.accept(self.receive(at, version).pk, by=self.clerk, at=at)

    def finish(self, case: Case, at: datetime) -> Case:
        for task in case.tasks.filter(kind="review"):
            actions.complete_task(task.pk, outcome="passed", opinion="", by=self.clerk, at=at)
        return actions.decide(case.pk, outcome="granted", by=self.approver, at=at)

    def decline(self, at: datetime, version: int = 1) -> Case:
        reasons = "这件事归乡镇便民服务中心办理。"
        return actions.decline(self.receive(at, version).pk, reasons=reasons, by=self.clerk, at=at)

    @transaction.atomic
    def withdraw(self, case: Case, at: datetime) -> None:
        """As the act will write it: the status, and the row that says when."""
        Case.objects.filter(pk=case.pk).update(status=Case.Status.WITHDRAWN)
        heads = {"item": case.item.task_code, "department": str(case.department_id), "case_type": case.case_type}
        ledger.record(case.stream, "case.withdrawn", region=case.region_id, by=self.clerk, at=at, data=heads)


@dataclass
class Told:
    """What the ledger's rows alone say about one case."""

    received: datetime | None = None
    accepted: datetime | None = None
    finished: datetime | None = None
    declined: datetime | None = None
    withdrawn: datetime | None = None
    due_on: date | None = None
    on_time: bool | None = None
    case_type: str = ""
    department: str = ""
    item: str = ""
