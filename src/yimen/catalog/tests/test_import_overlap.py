"""Rows are made while others are written: whatever fails on either side, at any part of the list, leaves nothing."""

import pytest
from django.db import IntegrityError, connection

from yimen.catalog import importers
from yimen.catalog.importers import mapped
from yimen.catalog.models import ItemMaterial, ItemVersion, ServiceItem
from yimen.catalog.tests.factories import NOW, make_region, task_code
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.people.models import Department

pytestmark = pytest.mark.django_db
ROWS = 11


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    make_region("990000", "演示省")
    monkeypatch.setattr(mapped, "CHUNK", 4)
    monkeypatch.setattr(mapped, "BATCH", 2)


@pytest.fixture
def listed(tmp_path):
    def make(last_promise="5个工作日"):
        rows = ["实施编码,事项名称,事项类型,实施主体,承诺办结时限,法定办结时限,申请材料"]
        for n in range(ROWS):
            promise = last_promise if n == ROWS - 1 else "5个工作日"
            rows.append(f"{task_code(81000 + n)},并行{n},公共服务,演示局,{promise},20个工作日,申请表；身份证")
        path = tmp_path / "并行.csv"
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        return path

    return make


def load(path, **options):
    return importers.import_list(path, by=SYSTEM, at=NOW, **options)


def counts():
    return [model.objects.count() for model in (ServiceItem, ItemVersion, ItemMaterial, Department, Event)]


def test_many_small_parts_are_all_there_in_the_order_of_the_list(listed):
    assert load(listed()).written
    names = [f"并行{n}" for n in range(ROWS)]
    assert list(ServiceItem.objects.order_by("place").values_list("name", flat=True)) == names
    assert list(ServiceItem.objects.order_by("id").values_list("name", flat=True)) == names
    assert ItemMaterial.objects.count() == 2 * ROWS


def test_a_row_refused_in_the_last_part_keeps_out_all_that_was_written_before(listed):
    before = counts()
    report = load(listed(last_promise="30个工作日"))
    assert (report.written, report.refused) == (False, 1)
    assert [(left.row, left.field) for left in report.left_out] == [(ROWS + 1, "承诺办结时限")]
    assert counts() == before
    assert load(listed(last_promise="30个工作日"), skip_bad=True).taken == ROWS - 1


@pytest.mark.parametrize("part", [1, 3, 6])
def test_an_error_of_the_database_in_any_part_is_raised_as_it_is_and_leaves_nothing(listed, monkeypatch, part):
    before, parts, copy_in = counts(), [], mapped.copy_in

    def twice(model, rows):
        if model is ItemMaterial:
            parts.append(rows)
            if len(parts) == part:
                rows = [*rows, rows[-1]]
        copy_in(model, rows)

    monkeypatch.setattr(mapped, "copy_in", twice)
    with pytest.raises(IntegrityError):
        load(listed())
    assert len(parts) == part
    assert counts() == before
    monkeypatch.undo()
    assert load(listed()).written


@pytest.mark.parametrize("row", [1, 6, ROWS])
def test_somebody_who_stops_it_leaves_nothing_and_the_connection_is_free(listed, row):
    before = counts()

    def stopped(rows, _count):
        for number, one in enumerate(rows, 1):
            if number == row:
                raise KeyboardInterrupt
            yield one

    with pytest.raises(KeyboardInterrupt):
        load(listed(), progress=stopped)
    assert counts() == before
    assert not connection.connection.closed
    assert load(listed()).written
