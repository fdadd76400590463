"""`yimen create-centre`: the first centre of an empty platform, with its three administrators."""

import argparse
import sys
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen.lib.errors import DomainError

HELP = gettext_lazy("建一个中心和它的三位管理员，临时密码只显示一次")
NEEDS_DATABASE = True
CENTER, HALL = "center", "main"


class CentreExists(DomainError):
    """There is a centre already; branches are added in the workbench."""


@dataclass(frozen=True)
class Login:
    role: str
    username: str
    password: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--region", required=True, metavar="CODE", help=_("行政区划代码（GB/T 2260），6、9 或 12 位"))
    add("--region-name", required=True, metavar="NAME", help=_("地区名称"))
    add("--name", required=True, help=_("中心名称"))
    add("--letters", required=True, help=_("办件编号的开头，1 到 4 个英文字母"))
    add("--address", required=True, help=_("中心地址"))
    add("--hours", required=True, help=_("办公时间"))
    add("--phone", required=True, help=_("咨询电话"))
    add("--hall", default="", metavar="NAME", help=_("再建一个大厅，写它的名称"))
    add("--sysadmin", default="sysadmin", metavar="USERNAME", help=_("系统管理员的登录名"))
    add("--secadmin", default="secadmin", metavar="USERNAME", help=_("安全管理员的登录名"))
    add("--auditor", default="auditor", metavar="USERNAME", help=_("审计管理员的登录名"))


def run(args: argparse.Namespace) -> int:
    """Print the three logins after everything is committed. Raises CentreExists when there is a centre."""
    logins = create(args, timezone.now())
    out = sys.stdout.write
    out(_("%(name)s建好了。三位管理员的登录名和临时密码：") % {"name": args.name.strip()} + "\n")
    for login in logins:
        out(f"  {login.username}  {login.password}  {login.role}\n")
    out(_("临时密码只在这里显示一次，请分别当面交给三个人；第一次登录时要换掉。") + "\n")
    out(_("接下来：系统管理员登录工作台，建部门、岗位和账号；安全管理员授予角色；大厅管理员设窗口和队。") + "\n")
    return 0


@transaction.atomic
def create(args: argparse.Namespace, at: datetime) -> list[Login]:
    """Make everything or nothing."""
    from yimen.hall import setup
    from yimen.ledger.actions import SYSTEM
    from yimen.people import actions as people
    from yimen.people import queries
    from yimen.people.models import Region, Role

    there = queries.main_center()
    if there is not None:
        raise CentreExists(
            _("已经有%(name)s了，没有改动。分中心请系统管理员在工作台“机构”里加。") % {"name": there.name}
        )
    code = args.region.strip()
    # Importing a catalogue may have made the region before.
    region = Region.objects.filter(pk=code).first() or people.open_region(code, args.region_name, by=SYSTEM, at=at)
    center = people.open_center(
        region=region,
        code=CENTER,
        letters=args.letters,
        name=args.name,
        address=args.address,
        hours=args.hours,
        phone=args.phone,
        by=SYSTEM,
        at=at,
    )
    office = people.open_department(
        region=region, code=CENTER, name=center.name, phone=center.phone, is_resident=True, by=SYSTEM, at=at
    )
    if args.hall.strip():
        setup.open_hall(center, code=HALL, name=args.hall, by=SYSTEM, at=at)
    logins = []
    administrators = (
        (Role.SYSTEM_ADMIN, args.sysadmin),
        (Role.SECURITY_ADMIN, args.secadmin),
        (Role.AUDIT_ADMIN, args.auditor),
    )
    for n, (role, username) in enumerate(administrators, start=1):
        password = people.temporary_password()
        staff = people.open_account(
            region=region,
            department=office,
            center=center,
            number=f"{n:04d}",
            name=str(role.label),
            username=username,
            password=password,
            by=SYSTEM,
            at=at,
        )
        people.grant_role(staff, role, by=SYSTEM, at=at)
        logins.append(Login(str(role.label), staff.user.username, password))
    return logins
