"""
A small cast for tests, made through the real actions.

Everybody is invented: identity numbers carry the sequence 000, which is never issued.
"""

from datetime import date, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from stdnum.cn import ric, uscc

from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.people import actions
from yimen.people.models import (
    ADMINISTRATORS,
    Applicant,
    Department,
    Post,
    Region,
    Role,
    ServiceCenter,
    Staff,
)

NOW = datetime(2026, 11, 18, 9, 5, tzinfo=ZoneInfo("Asia/Shanghai"))  # a Wednesday
PASSWORD = "only-for-tests-1"

_numbers = count(1)


def make_region(code: str = "500000", name: str = "演示市") -> Region:
    """The one region of most tests; another code makes another."""
    return Region.objects.get_or_create(code=code, defaults={"name": name})[0]


def make_center(region: Region | None = None, **fields: Any) -> ServiceCenter:
    """letters: up to 4 capitals, unique in the region; begins the numbers citizens read."""
    n = next(_numbers)
    letters = "".join(chr(ord("A") + n // 26**place % 26) for place in (2, 1, 0))
    defaults = {
        "code": f"center-{n}",
        "letters": letters,
        "name": f"演示政务服务中心 {n}",
        "motto": "一扇门，办所有事",
        "address": "演示路 1 号",
        "hours": "工作日 9:00 到 17:00",
        "phone": "023-00000000",
    }
    return ServiceCenter.objects.create(region=region or make_region(), **(defaults | fields))


def make_department(region: Region | None = None, **fields: Any) -> Department:
    n = next(_numbers)
    defaults = {"code": f"department-{n}", "name": f"演示部门 {n}", "short_name": f"部门 {n}", "is_resident": True}
    return Department.objects.create(region=region or make_region(), **(defaults | fields))


def make_post(department: Department | None = None, name: str = "综合受理岗") -> Post:
    return Post.objects.get_or_create(department=department or make_department(), name=name)[0]


def make_staff(
    role: Role | str | None = Role.CLERK,
    *more: Role | str,
    department: Department | None = None,
    region: Region | None = None,
    center: ServiceCenter | None = None,
    post: Post | None = None,
    name: str = "",
    username: str = "",
    for_region: bool = False,
    must_change_password: bool = False,
    at: datetime = NOW,
) -> Staff:
    """
    Somebody with a login (PASSWORD) and the roles given; role None: none at all.

    Roles count for the person's own department, or the whole region with for_region and for administrators.
    """
    n = next(_numbers)
    department = department or make_department(region)
    staff = actions.open_account(
        region=department.region,
        department=department,
        center=center,
        post=post,
        number=f"T{n:05d}",
        name=name or f"测试员{n}",
        username=username or f"tester{n}",
        password=PASSWORD,
        must_change_password=must_change_password,
        by=SYSTEM,
        at=at,
    )
    for one in [role, *more] if role else []:
        whole = for_region or Role(one) in ADMINISTRATORS
        actions.grant_role(staff, one, department=None if whole else department, by=SYSTEM, at=at)
    return staff


def outsider(region: Region | None = None) -> Staff:
    """Somebody with a login, in a department of their own and without any role: may see and do nothing."""
    return make_staff(None, department=make_department(region, name="局外部门"), name="局外人")


def resident_id(n: int, area: str = "500101") -> str:
    """The n-th invented identity number; one for every day of birth from 1950 on."""
    born = date(1950, 1, 1) + timedelta(days=n % 25_000)
    number = f"{area}{born:%Y%m%d}000"
    return number + ric.calc_check_digit(number + "0")


def credit_code(n: int, area: str = "500101") -> str:
    """The n-th invented unified social credit code."""
    number = f"91{area}MADE{n % 100_000:05d}"
    return number + uscc.calc_check_digit(number)


def phone_number(n: int) -> str:
    return f"1390000{n % 10_000:04d}"


def make_applicant(
    *,
    region: Region | None = None,
    kind: str = Applicant.Kind.PERSON,
    name: str = "",
    id_number: str = "",
    phone: str = "",
    at: datetime = NOW,
    **fields: Any,
) -> Applicant:
    """A person, or with kind="firm" a firm, with numbers of their own unless given."""
    n = next(_numbers)
    is_person = kind == Applicant.Kind.PERSON
    return actions.register_applicant(
        region=region or make_region(),
        kind=kind,
        name=name or ("王小明" if is_person else f"演示商贸有限公司 {n}"),
        id_number=id_number or (resident_id(n) if is_person else credit_code(n)),
        phone=phone or phone_number(n),
        by=SYSTEM,
        at=at,
        is_demo=True,
        **fields,
    )


def in_ledger(words: str) -> bool:
    """Tell whether some row of the ledger holds `words`, which nobody's own words may stand in."""
    return any(words in str(data) for data in Event.objects.values_list("data", flat=True))
