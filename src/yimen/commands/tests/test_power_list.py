"""yimen power-list: editions in, two compared, batches listed."""

import argparse
import json
from datetime import date
from decimal import Decimal

import pytest

from yimen.catalog import power_lists
from yimen.catalog.actions import powers as actions
from yimen.catalog.actions.powers import BatchLine
from yimen.catalog.models import PowerList
from yimen.commands import power_list as command
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.people.tests.factories import NOW, make_center, make_department

pytestmark = pytest.mark.django_db
HEAD = "编码,职权名称,类型,行使层级,实施主体,设定依据\n"


def row(n: int, name: str = "", level: str = "市级") -> str:
    return f"52010{n:04d}000,{name or f'演示职权 {n}'},行政许可,{level},演示局,《演示条例》第{n}条\n"


def run(capfdbinary, *words: str) -> tuple[int, str, str]:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    code = command.run(parser.parse_args(words))
    out, err = capfdbinary.readouterr()
    return int(code or 0), out.decode(), err.decode()


@pytest.fixture
def region():
    center = make_center()
    make_department(center.region, name="演示局")
    return center.region


@pytest.fixture
def listed(tmp_path):
    def write(text: str, name: str = "list.csv"):
        path = tmp_path / name
        path.write_text(HEAD + text, encoding="utf-8-sig")
        return str(path)

    return write


def test_two_editions_come_in_and_are_compared(region, listed, capfdbinary):
    before = "".join(row(n, level="市级" if n < 80 else "县级") for n in range(93))
    after = "".join(row(n) for n in range(34)) + row(900, "新设职权")
    code, out, _err = run(capfdbinary, "import", listed(before), "--on", "2013-01-01", "--name", "演示市级权力清单")
    assert (code, out) == (0, "第 1 版 93 项，2013-01-01 起生效。\n")
    assert run(capfdbinary, "import", listed(after), "--on", "2015-07-01")[1].startswith("第 2 版 35 项")
    edition = PowerList.objects.get(number=2)
    assert (edition.name, edition.effective_on) == ("演示市级权力清单", date(2015, 7, 1))
    entry = edition.entries.get(name="新设职权")
    assert (entry.department.name, entry.level, entry.power_type) == ("演示局", "3", "01")

    code, out, _err = run(capfdbinary, "compare", "1", "2")
    assert code == 0 and "减少 62.4%" in out and "去掉 59 项，新增 1 项" in out and "县级" in out
    told = json.loads(run(capfdbinary, "compare", "1", "2", "--format", "json")[1])
    assert (told["before"]["count"], told["after"]["count"], told["fewer_percent"]) == (93, 35, "62.4")
    assert (len(told["removed"]), [one["name"] for one in told["added"]]) == (59, ["新设职权"])
    assert {one["name"]: one["fewer_percent"] for one in told["by_level"]} == {"市级": "56.3", "县级": "100"}
    sheet = run(capfdbinary, "compare", "1", "2", "--format", "csv")[1]
    assert len(sheet.splitlines()) == 1 + 59 + 1
    with pytest.raises(command.WhichEdition, match="没有第 9 版"):
        run(capfdbinary, "compare", "1", "9")


def test_a_draft_waits_for_its_publisher(region, listed, capfdbinary):
    assert "是草稿" in run(capfdbinary, "import", listed(row(1)), "--on", "2013-01-01", "--draft")[1]
    assert PowerList.objects.get().published_at is None


def test_every_wrong_line_is_named_and_none_is_taken(region, listed, capfdbinary):
    wrong = (
        row(1)
        + ",没有编码,行政许可,市级,演示局,\n"
        + "2,名,行政魔法,市级,演示局,\n"
        + "3,名,01,天级,无名局,\n"
        + row(1)
    )
    code, out, err = run(capfdbinary, "import", listed(wrong), "--on", "2013-01-01")
    lines = err.splitlines()
    assert (code, out, len(lines)) == (1, "", 6)
    assert "第 3 行，编码“”：不能空着。" in lines[0]
    assert "第 4 行，类型“行政魔法”" in lines[1]
    assert "第 5 行，行使层级“天级”" in lines[2] and "第 5 行，部门“无名局”" in lines[3]
    assert "第 6 行" in lines[4] and "和第 2 行一样" in lines[4]
    assert not PowerList.objects.exists() and not Event.objects.filter(kind__startswith="powers.").exists()


def test_a_list_without_the_columns_it_needs_or_without_rows_is_refused(region, tmp_path):
    path = tmp_path / "list.csv"
    for text, word in (("甲,乙,丙\n1,2,3\n", "没有“编码”"), (HEAD, "一行也没有")):
        path.write_text(text)
        with pytest.raises(Exception, match=word):
            power_lists.read_power_list(path, region)


def test_a_published_edition_cannot_bring_cancelled_powers_back(region, listed, capfdbinary):
    run(capfdbinary, "import", listed(row(1) + row(2)), "--on", "2013-01-01")
    code = "520100001000"
    lines = [BatchLine(code, "cancel")]
    batch = actions.record_batch(
        region, number=1, on=date(2014, 5, 1), document_no="演府发〔2014〕1号", lines=lines, by=SYSTEM, at=NOW
    )
    with pytest.raises(actions.CameBack):
        run(capfdbinary, "import", listed(row(1) + row(2)), "--on", "2015-01-01")
    actions.apply_batch(batch, by=SYSTEM, at=NOW)
    out = run(capfdbinary, "batches")[1]
    assert "2014-05-01" in out and "演府发〔2014〕1号" in out
    told = json.loads(run(capfdbinary, "batches", "--format", "json")[1])
    assert told["rows"] == [
        {
            "number": 1,
            "on": "2014-05-01",
            "document_no": "演府发〔2014〕1号",
            "cancelled": 1,
            "delegated": 0,
            "edition": 2,
        }
    ]
    assert Decimal(told["total"]["cancelled"]) == 1
