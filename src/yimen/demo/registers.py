"""Two registers with an invented owner, who has an entry in each: one window looks both up at once."""

from datetime import date, datetime

from yimen.demo import centre, life
from yimen.ledger.actions import SYSTEM
from yimen.people.models import Department, Region
from yimen.registers import actions

NAME, BORN = "查小房（演示）", date(1985, 3, 4)
REGISTERS = (
    (
        "real-estate",
        "不动产登记簿",
        "zrj",
        [("certificate", "不动产权证号"), ("place", "坐落"), ("area", "面积（平方米）"), ("since", "登记日期")],
        {
            "certificate": "不动产权第 000123 号",
            "place": "青禾县文昌路 8 号 2-301",
            "area": "89.50",
            "since": "2019-05-06",
        },
    ),
    (
        "housing-files",
        "房产档案",
        "zjj",
        [("file", "档案号"), ("place", "坐落"), ("kind", "用途"), ("built", "建成年份")],
        {"file": "QH-1998-0456", "place": "青禾县东门巷 3 号", "kind": "住宅", "built": "1998"},
    ),
)


def build(at: datetime) -> None:
    """Set both registers up as copies taken over just now."""
    region = Region.objects.get(pk=centre.REGION[0])
    person = {"id_number": life.invented_id(BORN), "name": NAME}
    for code, name, organ, columns, row in REGISTERS:
        register = actions.open_register(
            region=region,
            code=code,
            name=name,
            department=Department.objects.get(region=region, code=organ),
            columns=columns,
            by=SYSTEM,
            at=at,
            is_demo=True,
        )
        actions.renew(register, [person | row], by=SYSTEM, at=at)
