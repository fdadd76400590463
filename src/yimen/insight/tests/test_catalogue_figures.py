"""Figures of the catalogue: what is in force on a day, its total, and how many statements that takes."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from yimen.catalog import actions
from yimen.catalog.tests.factories import NOW, make_department, make_item
from yimen.insight.catalogue_figures import (
    compression_report,
    compression_total,
    first_day,
    history_of,
    in_force,
    reduction_report,
)
from yimen.ledger.actions import SYSTEM

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 18)
BEFORE = NOW - timedelta(days=40)


def change(item, at=NOW, **fields):
    return actions.publish(actions.save_draft(item, fields, by=SYSTEM, at=at), by=SYSTEM, at=at)


def test_the_total_alone_is_the_total_of_the_report():
    for days in (9, 10, 10, 15):
        item = make_item(promised_days=days)
    make_item(immediate=True)
    region = item.region_id
    assert compression_total(region) == compression_report(region).total
    only = [item.department_id]
    assert compression_total(region, departments=only) == compression_report(region, departments=only).total


def test_an_edition_is_in_force_from_its_day_until_the_next_or_its_end():
    item = make_item(at=BEFORE, promised_days=15)
    change(item, promised_limit=3)
    actions.save_draft(item, {"promised_limit": 1}, by=SYSTEM, at=NOW)
    region = item.region_id
    assert in_force(region, BEFORE.date() - timedelta(days=1)) == {}
    assert in_force(region, TODAY - timedelta(days=1))[item.pk].promised.number == 15
    assert in_force(region, TODAY)[item.pk].promised.number == 3
    assert first_day(region) == BEFORE.date()
    actions.withdraw(item, reason="依据已经废止", by=SYSTEM, at=NOW)
    assert in_force(region, TODAY) == {}
    assert [(row.edition.number, row.saved) for row in history_of(item)] == [(3, 2), (2, 12), (1, None)]


def test_items_of_one_day_only_are_counted_apart():
    gone, stays = make_item(at=BEFORE), make_item(at=BEFORE, promised_days=15)
    actions.withdraw(gone, reason="依据已经废止", by=SYSTEM, at=NOW)
    make_item(at=NOW)
    change(stays, promised_limit=3)
    report = reduction_report(stays.region_id, TODAY - timedelta(days=1), TODAY)
    assert [row.pk for row in report.rows] == [stays.pk]
    assert (report.added_count, report.gone_count, report.saved_days, report.changed_count) == (1, 1, 12, 1)
    assert report.steps[0] == report.steps[1] == 5
    assert report.materials == (2, 2)  # the third is looked up by us


def test_the_number_of_statements_does_not_grow():
    department = make_department()
    make_item(department=department, at=BEFORE)

    def count():
        with CaptureQueriesContext(connection) as found:
            reduction_report(department.region_id, TODAY - timedelta(days=9), TODAY)
            compression_report(department.region_id)
            compression_total(department.region_id)
        return len(found)

    few = count()
    for _n in range(3):
        make_item(department=department, at=BEFORE)
    assert count() == few
