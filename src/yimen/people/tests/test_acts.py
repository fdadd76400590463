"""What an act writes goes out as one statement, in time, and is undone with it."""

import pytest
from django.db import connection, transaction

from yimen.lib import acts
from yimen.people.models import Department, Region

pytestmark = pytest.mark.django_db

COUNT = (
    "INSERT INTO cases_counter (region_id, name, day, value) VALUES (%s, %s, '2026-01-01', 1)"
    " ON CONFLICT (region_id, name, day) DO UPDATE SET value = cases_counter.value + 1 RETURNING value"
)


class Refused(Exception):
    pass


@pytest.fixture
def region():
    return Region.objects.create(code="500000", name="演示市")


def _department(region, code, name="演示局"):
    return Department(region=region, code=code, name=name)


def _names():
    return sorted(Department.objects.values_list("code", "name"))


def test_new_rows_changes_and_our_own_statements_are_one_statement(region, django_assert_num_queries):
    old = _department(region, "old")
    old.save()

    @acts.act
    def change():
        old.name = "新名字"
        acts.save(old, "name")
        acts.add([_department(region, "a"), _department(region, "b")])
        acts.send("UPDATE people_region SET name = %s WHERE code = %s", ["演示区", region.pk])

    with django_assert_num_queries(3):  # savepoint, the statement, release
        change()
    assert _names() == [("a", "演示局"), ("b", "演示局"), ("old", "新名字")]
    assert Region.objects.get().name == "演示区"


def test_what_is_noted_is_written_before_anything_is_asked(region):
    @acts.act
    def change():
        acts.add([_department(region, "a")])
        assert Department.objects.filter(code="a").exists()
        department = Department.objects.get()
        department.name = "改过"
        acts.save(department, "name")
        Department.objects.filter(code="a").update(code="z")
        return _names()

    assert change() == [("z", "改过")]


def test_one_row_written_twice_has_the_last_values(region):
    @acts.act
    def change():
        department = _department(region, "a")
        acts.add([department])
        for name in ("一", "二"):
            department.name = name
            acts.save(department, "name")
        department.name = "没有写"

    change()
    assert _names() == [("a", "二")]


def test_a_number_is_in_the_row_and_on_the_object(region):
    @acts.act
    def change():
        rows = [_department(region, code) for code in ("a", "b")]
        for row in rows:
            acts.add_numbered(row, "name", COUNT, [region.pk, "n"], "演〔2026〕{}号")
        acts.send("UPDATE people_region SET name = %s WHERE code = %s", ["演示区", region.pk])
        return rows

    rows = change()
    assert [row.name for row in rows] == ["演〔2026〕1号", "演〔2026〕2号"]
    assert _names() == [("a", "演〔2026〕1号"), ("b", "演〔2026〕2号")]


def test_outside_an_act_everything_is_written_at_once(region):
    row = _department(region, "a")
    acts.add_numbered(row, "name", COUNT, [region.pk, "n"], "演{}号")
    assert _names() == [("a", "演1号")] and row.name == "演1号"
    row.name = "改过"
    acts.save(row, "name")
    acts.send("UPDATE people_department SET code = %s", ["b"])
    assert _names() == [("b", "改过")]
    acts.remember("key", 1)
    assert acts.remembered("key") is None


def test_an_act_that_fails_writes_nothing(region):
    @acts.act
    def change():
        acts.add([_department(region, "a")])
        raise Refused

    with pytest.raises(Refused):
        change()
    assert _names() == []


@pytest.mark.parametrize("is_whole", [False, True])
def test_what_an_inner_act_noted_goes_with_it_when_somebody_goes_on_after_its_error(region, is_whole):
    @acts.act
    def inner(code, fails):
        acts.add([_department(region, code)])
        if fails:
            raise Refused

    @acts.act
    def outer():
        acts.add([_department(region, "before")])
        for code, fails in (("good", False), ("bad", True), ("better", False)):
            try:
                with transaction.atomic():
                    inner(code, fails)
            except Refused:
                acts.add([_department(region, "instead")])

    if is_whole:
        with acts.all_or_nothing():
            outer()
    else:
        outer()
    assert [code for code, _name in _names()] == ["before", "better", "good", "instead"]


def test_all_or_nothing_is_all_or_nothing(region):
    @acts.act
    def one(code):
        acts.add([_department(region, code)])

    with pytest.raises(Refused), acts.all_or_nothing():
        one("a")
        one("b")
        raise Refused
    assert _names() == []


def test_several_acts_of_a_whole_and_a_question_are_one_statement(region, django_assert_num_queries):
    @acts.act
    def one(code):
        acts.add([_department(region, code)])

    with django_assert_num_queries(3), acts.all_or_nothing():
        one("a")
        one("b")
        assert acts.ask("UPDATE people_region SET name = %s RETURNING code", ["演示区"]) == region.pk
    assert [code for code, _name in _names()] == ["a", "b"]


def test_a_question_no_row_answers_is_answered_with_none(region):
    with acts.all_or_nothing():
        assert acts.ask("UPDATE people_region SET name = %s WHERE code = 'x' RETURNING code", ["x"]) is None
    assert acts.ask("UPDATE people_region SET name = %s WHERE code = 'x' RETURNING code", ["x"]) is None


def test_what_is_remembered_is_forgotten_with_the_act():
    @acts.act
    def one(value):
        assert acts.remembered("key", "nothing") == value
        acts.remember("key", "mine")
        part()
        assert acts.remembered("key") == "mine"

    @acts.part
    def part():
        assert acts.remembered("key") == "mine"

    one("nothing")
    with acts.all_or_nothing():
        acts.remember("key", "before")
        one("before")
        one("nothing")
    assert acts.remembered("key") is None


def test_values_of_every_kind_arrive_as_the_orm_would_write_them(region):
    """Lists, JSON, dates and nothing at all."""
    from datetime import date

    from yimen.people.models import OrganisationChange

    def change(pk_of):
        return OrganisationChange(
            region=region, name="合并", on=date(2026, 1, 2), before=["一", {"二": None}], after=[], department=pk_of
        )

    @acts.act
    def write():
        acts.add([change(None), change(None)])

    write()
    change(None).save()
    first, second, third = OrganisationChange.objects.values("name", "on", "before", "after", "department", "region")
    assert first == second == third


def test_a_statement_in_a_broken_transaction_is_not_hidden(region):
    @acts.act
    def change():
        acts.add([_department(region, "a"), _department(region, "a")])

    with pytest.raises(Exception, match="department_code_once"):
        change()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert _names() == []
