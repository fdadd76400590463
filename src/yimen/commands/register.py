"""yimen register: another organ's register taken over as a copy, so that one window can look it up."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen.lib.errors import DomainError

HELP = gettext_lazy("接入一个登记簿的副本（csv 或 xlsx），窗口一次就能查")
NEEDS_DATABASE = True
PERSON = {"证件号码": "id_number", "姓名": "name"}


class WrongFile(DomainError):
    """The list has no column for the owner's number or name, or a row cannot be read."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("file", type=Path, metavar="FILE", help=_("清单文件；要有“证件号码”和“姓名”两栏，其余各栏照样显示"))
    add("--code", required=True, help=_("登记簿的代号，再接同一个代号就是更新副本"))
    add("--name", default="", help=_("登记簿的名称，第一次接入时要写"))
    add("--department", default="", metavar="CODE", help=_("哪个单位的登记簿，写单位代码，第一次接入时要写"))
    add("--region", default="", help=_("行政区划代码；只有一个中心时不用写"))


def run(args: argparse.Namespace) -> int:
    from yimen.ledger.actions import SYSTEM
    from yimen.lib.tables import open_table
    from yimen.people.models import Department, Region
    from yimen.people.queries import only_region
    from yimen.registers import actions
    from yimen.registers.models import Register

    table = open_table(args.file, expect=set(PERSON))
    missing = [heading for heading in PERSON if heading not in table.headings]
    if missing:
        raise WrongFile(_("清单里没有“%(heading)s”这一栏。") % {"heading": missing[0]})
    region = Region.objects.filter(pk=args.region or only_region()).first()
    if region is None:
        raise WrongFile(_("请用 --region 写明是哪个行政区划。"))
    columns = [(heading, heading) for heading in table.headings if heading not in PERSON]

    def rows() -> Iterator[dict[str, str]]:
        for record in table.rows():
            if record.problem:
                raise WrongFile(_("第 %(n)s 行：%(problem)s") % {"n": record.number, "problem": record.problem})
            yield {PERSON.get(heading, heading): str(value) for heading, value in record.values.items()}

    at = timezone.now()
    with transaction.atomic():
        register = Register.objects.filter(region=region, code=args.code).first()
        if register is None:
            department = Department.objects.filter(region=region, code=args.department).first()
            if department is None:
                raise WrongFile(_("请用 --department 写明是哪个单位的登记簿。"))
            register = actions.open_register(
                region=region,
                code=args.code,
                name=args.name,
                department=department,
                columns=columns,
                by=SYSTEM,
                at=at,
            )
        elif [key for key, _words in register.columns] != [key for key, _words in columns]:
            raise WrongFile(_("这份清单的栏目和登记簿的不一样，没有接入。"))
        count = actions.renew(register, rows(), by=SYSTEM, at=at)
    sys.stdout.write(_("%(name)s接入了 %(count)s 行。") % {"name": register.name, "count": count} + "\n")
    return 0
