"""An office with the three persons a card names, and cases that ran late in it."""

from datetime import date, datetime, time, timedelta
from types import SimpleNamespace

from django.utils.timezone import get_current_timezone

from yimen.cases import actions as cases
from yimen.cases.models import Case
from yimen.cases.tests.factories import make_case, make_version
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_department, make_region, make_staff


def make_office(**version):
    organ = make_department(make_region())
    people = {
        "clerk": make_staff(Role.CLERK, department=organ, name="收件人"),
        "approver": make_staff(Role.APPROVER, department=organ, name="审查人"),
        "leader": make_staff(Role.LEADER, department=organ, name="批准人"),
        "manager": make_staff(Role.HALL_MANAGER, department=make_department(organ.region), for_region=True),
        "supervisor": make_staff(Role.SUPERVISOR, department=make_department(organ.region), for_region=True),
    }
    return SimpleNamespace(
        organ=organ, region=organ.region, version=make_version(department=organ, **version), **people
    )


def accepted(office, *, at: datetime = NOW, **fields) -> Case:
    case = make_case(version=office.version, by=office.clerk, at=at, **fields)
    return cases.accept(case.pk, by=office.clerk, at=at)


def morning(day: date, hour: int = 9) -> datetime:
    return datetime.combine(day, time(hour), get_current_timezone())


def after(day: date, days: int) -> datetime:
    return morning(day + timedelta(days=days))
