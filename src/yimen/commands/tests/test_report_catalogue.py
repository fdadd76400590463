"""yimen report for the catalogue: the pages' figures on a terminal."""

import argparse
import csv
import io
import json
from datetime import date, timedelta

import pytest

from yimen.catalog.tests.factories import make_item
from yimen.commands import report as command
from yimen.insight.tests.factories import Office, moment
from yimen.lib.errors import DomainError
from yimen.people.tests.factories import make_center

pytestmark = pytest.mark.django_db
PERIODS = ["--old-from", "2026-03-01", "--old-to", "2026-03-31", "--new-from", "2026-04-01", "--new-to", "2026-04-30"]


def told(capsysbinary, *args):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    command.run(parser.parse_args(args))
    return capsysbinary.readouterr().out.decode()


def test_compression_as_a_program_reads_it(capsysbinary):
    make_center()
    department = make_item(promised_days=9).department
    make_item(department=department, promised_days=10)
    make_item(department=department, promised_days=5, statutory_limit=10)
    found = json.loads(told(capsysbinary, "compression", "--format", "json"))
    assert found["total"] == {
        "unit": "合计", "items": 3, "statutory_days": 50, "promised_days": 24, "saved_days": 26,
        "total_rate": "52.00", "mean_rate": "51.67", "skipped": 0,
    }  # fmt: skip
    by_item = json.loads(told(capsysbinary, "compression", "--by", "item", "--format", "json"))
    assert [row["rate"] for row in by_item["rows"]] == ["50.00", "50.00", "55.00"]


def test_efficiency_as_a_spreadsheet_reads_it(capsysbinary):
    office = Office()
    for start, days in ((date(2026, 3, 2), 7), (date(2026, 4, 7), 3)):
        office.finish(office.accept(moment(start)), moment(start + timedelta(days=days), 15))
    rows = list(csv.reader(io.StringIO(told(capsysbinary, "efficiency", *PERIODS, "--format", "csv"))))
    assert rows[1][2:] == ["1", "1", "5.0", "3.0", "5", "3", "40.00", "60.00", "66.67"]
    assert rows[-1][0] == "合计"
    assert told(capsysbinary, "efficiency", *PERIODS, "--format", "csv", "--bom").startswith("\ufeff")
    assert "前一段从：2026-03-01" in told(capsysbinary, "efficiency", *PERIODS)


def test_every_report_says_something_on_a_terminal(capsysbinary):
    office = Office()
    office.decline(moment(date(2026, 3, 10)))
    assert "不归本机关办" in told(capsysbinary, "failures", "--from", "2026-03-01", "--to", "2026-03-31")
    assert "没有大白话说明" in told(capsysbinary, "quality")
    assert "合计" in told(capsysbinary, "reduction", "--first", "2026-03-01", "--last", "2026-03-31")


@pytest.mark.parametrize(
    "args",
    [
        ["efficiency", *PERIODS[:-1], "2026-4-30"],
        ["efficiency", *PERIODS[:2], "--old-to", "2026-04-15", *PERIODS[4:]],
        ["failures", "--from", "2026-04-01", "--to", "2026-03-31"],
    ],
    ids=["no date", "overlap", "turned round"],
)
def test_what_cannot_be_is_refused(capsysbinary, args):
    make_center()
    with pytest.raises(DomainError):
        told(capsysbinary, *args)
