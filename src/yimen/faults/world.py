"""What a trial of an act is, and the world it is made in: cases, tickets and people in any state it needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import uuid4

from yimen.faults.client import Client, Reply
from yimen.faults.platform import Platform
from yimen.faults.seed import Seed, resident_id


@dataclass(frozen=True)
class Wish:
    """
    One request. key aside, it is complete; program: JSON with an Idempotency-Key header instead of a form.

    public: acts of citizens without account have one actor, so the key alone is the secret.
    """

    session: str
    path: str
    fields: dict[str, Any] = field(default_factory=dict)
    stranger: str = ""
    program: bool = False
    public: bool = False

    def send(self, client: Client, key: str | None, *, other: bool = False) -> Reply:
        fields = {**self.fields, "other": "1"} if other else self.fields
        return client.post(self.path, fields, key=key) if self.program else client.submit(self.path, fields, key=key)


class World:
    """Makes what an act needs, through the real actions, in the platform's own database."""

    def __init__(self, platform: Platform, seed: Seed) -> None:
        self.platform, self.seed = platform, seed
        self._windows = iter(range(len(seed.windows)))
        self._people = count(500)
        self._days = iter((1, 2, 3, 4, 7, 8, 9, 10, 11, 14, 15, 16, 17, 18, 21))

    def staff(self, name: str) -> Any:
        from yimen.people.models import Staff

        return Staff.objects.select_related("user").get(pk=self.seed.staff[name])

    def session(self, role: str) -> str:
        return self.seed.people[role]

    def window(self) -> tuple[str, str, Any]:
        """A window nobody has used yet: its id, its clerk's session, its clerk."""
        n = next(self._windows)
        pk, session = self.seed.windows[n]
        return pk, session, self.staff(f"clerk{n + 1}")

    def ticket(self, letter: str = "A") -> Any:
        from yimen.hall import actions
        from yimen.ledger.actions import PUBLIC

        return actions.take_ticket(self.seed.series[letter], by=PUBLIC, at=now(), source="kiosk")  # type: ignore[arg-type]

    def called(self) -> tuple[str, str, Any]:
        """A window with a called ticket: its id, its clerk's session, the ticket."""
        from yimen.hall import actions

        pk, session, clerk = self.window()
        self.ticket()
        return pk, session, actions.call_next(pk, by=clerk, at=now())  # type: ignore[arg-type]

    def new_staff(self, *roles: str) -> tuple[Any, str]:
        """Somebody new with these roles, and a session."""
        from yimen.faults.seed import session_of
        from yimen.ledger.actions import SYSTEM
        from yimen.people import actions
        from yimen.people.models import Region

        clerk, n = self.staff("clerk"), next(self._people)
        one = actions.open_account(
            region=Region.objects.get(pk=self.seed.region), department=clerk.department, number=f"{n:05d}",
            name="新来的（演示）", username=f"demo-{n}", password=None, by=SYSTEM, at=now(), must_change_password=False,
        )  # fmt: skip
        for role in roles:
            actions.grant_role(one, role, by=SYSTEM, at=now())
        return one, session_of(one)

    def case(self, state: str = "received", kind: str = "immediate", *, complete: bool = True) -> Any:
        """A case in that state."""
        from yimen.cases import actions
        from yimen.catalog.models import ItemVersion
        from yimen.people.models import Applicant, ServiceCenter

        clerk = self.staff("clerk")
        version = ItemVersion.objects.select_related("item__department").get(pk=self.seed.versions[kind])
        handed = "complete" if complete else "missing"
        case = actions.receive(
            version, Applicant.objects.get(pk=self.seed.applicants[0]),
            center=ServiceCenter.objects.get(pk=self.seed.center),
            materials={one.pk: actions.Handed(handed) for one in version.materials.all()}, by=clerk, at=now(),
        )  # fmt: skip
        if state in {"accepted", "completed"}:
            case = actions.accept(case.pk, by=clerk, at=now())
        if state == "completed":
            case = actions.decide(case.pk, outcome="granted", by=clerk, at=now())
        return case

    def materials(self, kind: str = "immediate") -> dict[str, str]:
        from yimen.catalog.models import ItemMaterial

        found = ItemMaterial.objects.filter(version__pk=self.seed.versions[kind]).values_list("pk", flat=True)
        return {f"state-{pk}": "complete" for pk in found}

    def invitation(self) -> str:
        """The token of an invitation nobody has answered."""

        from yimen.ratings.models import Invitation

        case = self.case("completed")
        token = uuid4().hex
        Invitation.objects.create(
            region_id=case.region_id, token=token, scope="matter", case=case, center=case.center,
            department=case.department, made_at=now(), expires_at=now() + timedelta(days=1),
        )  # fmt: skip
        return token

    def person(self) -> dict[str, str]:
        n = next(self._people)
        return {"kind": "person", "id_number": resident_id(n), "name": "李小花", "phone": f"1390001{n:04d}"}


def now() -> Any:
    from django.utils import timezone

    return timezone.now()
