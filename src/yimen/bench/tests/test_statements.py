"""How many statements an act costs over HTTP, with session, roles, clocks, ledger and key (docs/speed.md)."""

import pytest

from yimen.bench import lifecycle
from yimen.cases.models import Case
from yimen.faults.seed import Seed, session_of
from yimen.hall.tests.factories import make_hall, make_series, make_window
from yimen.ledger.models import Event, Once
from yimen.people.models import Role
from yimen.people.tests.factories import make_applicant, make_center, make_department, make_region, make_staff

MOST = {
    "receive": 5,
    "accept": 4,
    "review": 4,
    "second review": 4,
    "decide": 4,
    "make": 5,
    "deliver": 4,
    "rate": 3,
}


@pytest.fixture
def stage():
    region = make_region()
    center = make_center(region, letters="QH")
    window = make_window(make_series(make_hall(region, center=center)), staffed=False)
    clerk = make_staff(Role.CLERK, department=make_department(region), center=center, for_region=True)
    window.staff = clerk
    window.save(update_fields=["staff"])
    applicants = [str(make_applicant().pk)]
    seed = Seed(staff={"clerk": str(clerk.pk)}, windows=[(str(window.pk), session_of(clerk))], applicants=applicants)
    return lifecycle.prepare(seed, 1)


def _is_one(statement):
    """BEGIN and COMMIT are savepoints inside a test's own transaction."""
    return not statement[0].startswith(("SAVEPOINT", "RELEASE", "ROLLBACK"))


@pytest.mark.django_db
def test_a_life_of_eight_acts_costs_no_more_statements_than_this(stage):
    acts = lifecycle.record(stage).acts
    asked = {name: [sql for sql, _values in filter(_is_one, acts[name])] for name in MOST}
    assert {name: len(sent) for name, sent in asked.items()} == MOST, asked
    assert sum(MOST.values()) <= 40


@pytest.mark.django_db
def test_every_act_of_it_has_its_ledger_row_its_document_and_its_key(stage):
    lifecycle.record(stage)
    case = Case.objects.order_by("-received_at").first()
    rows = Event.objects.filter(stream=case.stream).order_by("seq").values_list("kind", flat=True)
    assert list(rows) == [
        *("case.received", "case.accepted", "case.task_done", "case.task_done"),
        *("case.decided", "case.certificate_made", "case.delivered"),
    ]
    assert Event.objects.filter(kind="rating.given").count() == Once.objects.filter(act="portal.rate").count() == 2
    papers = list(case.notices.order_by("issued_at").values_list("kind", "number"))
    assert [kind for kind, _number in papers] == ["receipt", "acceptance", "decision", "delivery"]
    assert all(number.endswith("2号") for _kind, number in papers)
    assert Once.objects.exclude(status=303).count() == 0 and Once.objects.count() == 16
    assert case.clocks.filter(ended_on=None).count() == 0 and case.clocks.count() == 3
    assert [task.outcome for task in case.tasks.all()] == ["passed"] * case.tasks.count()
    assert case.tasks.count() == 5
