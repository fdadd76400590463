"""The small centre every check starts with: one hall, its windows with a clerk at each, two items. All invented."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from yimen.lib import embedded

REGION = ("500000", "演示市")
HALL = "main"
LETTERS = "YS"


@dataclass
class Seed:
    """Ids of what there is, as text. windows: (window id, session of the clerk at it); people: sessions by role."""

    region: str = ""
    hall: str = HALL
    hall_id: str = ""
    center: str = ""
    series: dict[str, str] = field(default_factory=dict)
    windows: list[tuple[str, str]] = field(default_factory=list)
    people: dict[str, str] = field(default_factory=dict)
    staff: dict[str, str] = field(default_factory=dict)
    items: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    applicants: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, home: Path) -> Seed:
        values = json.loads((home / "seed.json").read_text())
        values["windows"] = [tuple(pair) for pair in values["windows"]]
        return cls(**values)


def prepare(home: Path, *, windows: int = 40, now: datetime) -> None:
    """Make a home with a migrated database and the centre in it; nothing runs in it afterwards."""
    from yimen.faults.platform import orm

    home.mkdir(parents=True)
    home.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "yimen.cli", "migrate"],
        env=os.environ | {"YIMEN_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the tables could not be made:\n{done.stderr}")
    with embedded.Server(home / "postgres") as server, orm(server.urls):
        (home / "seed.json").write_text(json.dumps(asdict(_fill(windows, now))))


def _fill(window_count: int, now: datetime) -> Seed:
    from django.db import transaction

    from yimen.catalog.models import ServiceItem
    from yimen.hall import actions as hall_actions
    from yimen.hall.models import Hall, Series, Window
    from yimen.ledger.actions import SYSTEM
    from yimen.people import actions as people
    from yimen.people.models import Department, Post, Region, Role, ServiceCenter, Staff

    seed = Seed()
    with transaction.atomic():
        region = Region.objects.create(code=REGION[0], name=REGION[1])
        center = ServiceCenter.objects.create(
            region=region, code="center", letters=LETTERS, name="演示市政务服务中心（演示）", address="演示路 1 号",
            hours="工作日 9:00 到 17:00", phone="000-00000000", is_demo=True,
        )  # fmt: skip
        department = Department.objects.create(region=region, code="d1", name="演示局（演示）", is_resident=True)
        post = Post.objects.create(department=department, name="综合受理岗")
        hall = Hall.objects.create(region=region, center=center, code=HALL, name="一楼大厅")
        letters = {"A": "综合", "B": "不动产"}
        series = {
            letter: Series.objects.create(region=region, hall=hall, letter=letter, name=name, position=n)
            for n, (letter, name) in enumerate(letters.items())
        }
        seed.region, seed.hall_id, seed.center = region.pk, str(hall.pk), str(center.pk)
        seed.series = {letter: str(one.pk) for letter, one in series.items()}

        def person(name: str, *roles: Role) -> Staff:
            staff = people.open_account(
                region=region, department=department, center=center, post=post, number=f"{len(seed.staff) + 1:04d}",
                name=f"{name}（演示）", username=f"demo-{len(seed.staff) + 1}", password=None, by=SYSTEM, at=now,
                must_change_password=False,
            )  # fmt: skip
            for role in roles:
                people.grant_role(staff, role, by=SYSTEM, at=now)
            seed.staff[f"{name}-{len(seed.staff) + 1}" if name in seed.staff else name] = str(staff.pk)
            return staff

        for number in range(1, window_count + 1):
            window = Window.objects.create(region=region, hall=hall, number=number, name=f"{number} 号综合窗口")
            window.series.set(series.values())
            clerk = person(f"clerk{number}", Role.CLERK)
            hall_actions.sign_in(window.pk, by=clerk, at=now)
            seed.windows.append((str(window.pk), session_of(clerk)))
        Window.objects.create(region=region, hall=hall, number=window_count + 1, name="空窗口")
        seed.people = {
            "clerk": session_of(person("clerk", Role.CLERK)),
            "clerk-free": session_of(person("clerk-free", Role.CLERK)),
            **{
                role.value: session_of(person(role.value, role))
                for role in Role
                if role not in {Role.CLERK, Role.SURVEYOR}
            },
            "surveyor": session_of(person("surveyor", Role.SURVEYOR)),
        }
        person("surveyor-two", Role.SURVEYOR)
        for key in ("immediate", "promised"):
            item, version = make_item(department, key, n=len(seed.items))
            seed.items[key], seed.versions[key] = str(item), str(version)
            for one in series.values():
                one.items.add(ServiceItem.objects.get(pk=item))
        seed.applicants = [str(make_applicant(region.pk, n, now)) for n in range(20)]
    return seed


def session_of(staff: Any) -> str:
    """Return the session cookie of somebody who has logged in."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    store = SessionStore()
    store[SESSION_KEY] = str(staff.user.pk)
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
    store[HASH_SESSION_KEY] = staff.user.get_session_auth_hash()
    store.create()
    return str(store.session_key)


def make_item(department: Any, kind: str, *, n: int) -> tuple[UUID, UUID]:
    """A published item, its version: immediate, or promised in nine working days with one review."""
    from yimen.catalog import search
    from yimen.catalog.models import CaseType, FlowStep, ItemMaterial, ItemType, ItemVersion, ServiceItem

    immediate = kind == "immediate"
    item = ServiceItem.objects.create(
        region_id=department.region_id, department=department, task_code=f"11500000MB2D06811W40001{n:08d}",
        name="房产档案信息查询（演示）" if immediate else "食品经营许可（演示）",
        item_type=ItemType.PUBLIC_SERVICE if immediate else ItemType.LICENSE,
    )  # fmt: skip
    version = ItemVersion.objects.create(
        item=item, number=1, state=ItemVersion.State.PUBLISHED, name=item.name, legal_basis="《演示条例》第一条",
        case_type=CaseType.IMMEDIATE if immediate else CaseType.PROMISED, promised_limit=None if immediate else 9,
        statutory_limit=None if immediate else 20, result_name="演示证明", themes=["开店办企业"],
        everyday_names=["查房子"] if immediate else ["开饭馆"],
    )  # fmt: skip
    item.published = version
    search.index(item, version, department.name)
    item.save(update_fields=["published", *search.INDEXED])
    ItemMaterial.objects.bulk_create(
        [
            ItemMaterial(version=version, position=1, name="申请表"),
            ItemMaterial(version=version, position=2, name="身份证", kind=ItemMaterial.Kind.BOTH),
            ItemMaterial(version=version, position=3, name="营业执照", source=ItemMaterial.Source.SHARED),
        ]
    )
    kinds = ["receive", "accept", *([] if immediate else ["review"]), "decide", "deliver"]
    FlowStep.objects.bulk_create(
        FlowStep(
            version=version, position=position, key=one, name=str(FlowStep.Kind(one).label), kind=one, post="审批岗",
            authority="办理本事项", limit_days=0 if immediate else 1,
            after=kinds[position - 1 : position] if position else [],
        )
        for position, one in enumerate(kinds)
    )  # fmt: skip
    return item.pk, version.pk


def resident_id(n: int) -> str:
    """The n-th invented identity number: its sequence, 000, is never issued."""
    from datetime import date, timedelta

    from stdnum.cn import ric

    number = f"500101{date(1950, 1, 1) + timedelta(days=n % 20_000):%Y%m%d}000"
    return number + str(ric.calc_check_digit(number + "0"))


def make_applicant(region: str, n: int, now: datetime) -> UUID:
    from yimen.ledger.actions import SYSTEM
    from yimen.people import actions as people
    from yimen.people.models import Applicant

    applicant = people.register_applicant(
        region=region, kind=Applicant.Kind.PERSON, name="王小明", id_number=resident_id(n), phone=f"1390000{n:04d}",
        by=SYSTEM, at=now, is_demo=True,
    )  # fmt: skip
    pk: UUID = applicant.pk
    return pk
