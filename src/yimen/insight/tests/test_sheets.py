"""The same figures on a terminal, in a spreadsheet and for a program."""

import argparse
import csv
import io
import json
from datetime import date

import pytest

from yimen.commands import report as command
from yimen.insight import sheets
from yimen.insight.ledger_report import ledger_report
from yimen.insight.tests.factories import Office
from yimen.lib.errors import DomainError
from yimen.lib.sheet import safe_cell
from yimen.people.models import Department

pytestmark = pytest.mark.django_db


def run(capsysbinary, *words):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    command.run(parser.parse_args(["ledger", *words]))
    return capsysbinary.readouterr().out.decode()


DAYS = ("--from", "2026-03-01", "--to", "2026-04-30")


def test_the_table_is_aligned_however_wide_its_characters_are(capsysbinary):
    office = Office()
    office.load(80)
    Department.objects.filter(pk=office.departments[0].pk).update(name="Ab 局")
    text = run(capsysbinary, *DAYS, "--by", "department")
    lines = text.splitlines()[2:]
    assert len(lines) == 4 and lines[0].startswith("部门") and lines[-1].startswith("合计")
    assert len({sheets.width(line) for line in lines}) == 1
    assert " %" in lines[1]


def test_every_format_tells_the_same(capsysbinary):
    office = Office()
    office.load(80)
    total = ledger_report(office.region.pk, date(2026, 3, 1), date(2026, 4, 30), today=date(2026, 5, 20)).total
    told = json.loads(run(capsysbinary, *DAYS, "--format", "json", "--open"))
    assert (told["total"]["accepted"], told["total"]["open"]) == (total.accepted, total.open)
    assert told["total"]["finish_rate"] == str(total.finish_rate)
    assert len(told["open"]) == total.open
    plain = run(capsysbinary, *DAYS, "--format", "csv")
    rows = list(csv.reader(io.StringIO(plain)))
    assert rows[-1][:3] == ["合计", str(total.received), str(total.accepted)]
    assert rows[-1][5] == str(total.finish_rate)
    assert run(capsysbinary, *DAYS, "--format", "csv", "--bom") == "\ufeff" + plain
    assert f"{total.open:,}" in run(capsysbinary, *DAYS).splitlines()[-1]
    listed = run(capsysbinary, *DAYS, "--open").split("期末在办 ")[-1].splitlines()
    assert listed[0] == f"{total.open} 件：" and len(listed) == total.open + 3


@pytest.mark.parametrize(
    "words, part",
    [
        (("--from", "yesterday", "--to", "2026-01-01"), "“yesterday”不是一个日期"),
        (("--from", "2026-02-30", "--to", "2026-03-01"), "“2026-02-30”不是一个日期"),
        (("--from", "20260230", "--to", "2026-03-01"), "不是一个日期"),
        (("--from", "2026-03-02", "--to", "2026-03-01"), "结束日期在开始日期前面"),
    ],
)
def test_bad_days_are_one_sentence(capsysbinary, words, part):
    Office()
    with pytest.raises(DomainError) as told:
        run(capsysbinary, *words)
    assert part in str(told.value) and str(told.value).endswith("。")


def test_a_place_is_named_when_there_are_several(capsysbinary):
    with pytest.raises(command.WhichRegion, match="还没有政务服务中心"):
        run(capsysbinary, *DAYS)
    Office()
    assert "没有办件" in run(capsysbinary, *DAYS)
    Office("510000")
    with pytest.raises(command.WhichRegion, match="--region"):
        run(capsysbinary, *DAYS)
    assert "没有办件" in run(capsysbinary, *DAYS, "--region", "510000")


@pytest.mark.parametrize("text", ["=1+1", "+86", "-1", "@sum", "\tx", "\rx"])
def test_no_cell_is_a_formula(text):
    assert safe_cell(text) == f"'{text}"
    assert safe_cell("即办件") == "即办件"
