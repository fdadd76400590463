from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric

from yimen.cases import actions as cases
from yimen.cases import proactive
from yimen.cases.actions import Handed
from yimen.cases.tests.factories import make_version
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.lib.workdays import add_months
from yimen.notify import actions as notify
from yimen.notify import queries
from yimen.notify.models import Delivery, Message
from yimen.people import access
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_applicant, make_center, make_staff, outsider

TODAY = date(2026, 11, 18)


def born(day, n=0):
    number = f"500101{day:%Y%m%d}{n:03d}"
    return make_applicant(id_number=number + ric.calc_check_digit(number + "0"), phone="13900004321")


@pytest.fixture
def allowance():
    return make_version(due_rule={"kind": "age", "years": 80}).item


@pytest.fixture
def clerk(allowance):
    return make_staff(Role.CLERK, department=allowance.department, for_region=True)


@pytest.mark.django_db
@pytest.mark.capability("S3-2")
def test_whoever_reaches_the_age_is_found_and_sent_a_notice_once(allowance, clerk):
    eighty = born(date(1946, 11, 30))
    born(date(1970, 1, 1))
    born(date(1936, 1, 1))
    make_applicant(kind="firm")
    searched = proactive.find_due(allowance, by=clerk, at=NOW)
    assert (searched.looked_at, searched.found, searched.made, searched.is_done) == (3, 1, 1, True)
    [message] = queries.messages(allowance.region_id, item=allowance.pk, state="waiting")
    assert (message.applicant, message.due_on) == (eighty, date(2026, 11, 30))
    assert eighty.name not in message.text + message.subject

    assert notify.send(allowance.region_id, [message.pk], by=clerk, at=NOW) == 1
    assert [one.subject for one in queries.for_applicant(eighty)] == [message.subject]
    assert set(Delivery.objects.values_list("channel", "is_delivered")) == {("in_app", True), ("outbox", None)}
    with pytest.raises(notify.NothingToSend):
        notify.send(allowance.region_id, [message.pk], by=clerk, at=NOW)
    tomorrow = NOW + timedelta(days=1)
    assert proactive.find_due(allowance, by=clerk, at=tomorrow).made == 0
    assert Message.objects.count() == 1
    said = "".join(str(row) for row in Event.objects.filter(kind__startswith="notify.").values_list("data", flat=True))
    assert eighty.name not in said
    assert str(message.pk) in said


@pytest.mark.django_db
def test_nobody_is_told_who_has_asked_already_or_wants_no_notices(allowance, clerk):
    asked, silent = born(date(1946, 11, 30)), born(date(1946, 11, 29))
    version = allowance.published
    handed = {material.pk: Handed("complete") for material in version.materials.all()}
    cases.receive(version, asked, center=make_center(allowance.region), materials=handed, by=clerk, at=NOW)
    notify.opt_out(silent, True, by=clerk, at=NOW)
    searched = proactive.find_due(allowance, by=clerk, at=NOW)
    assert (searched.looked_at, searched.found, searched.made) == (1, 1, 0)
    notify.opt_out(silent, False, by=clerk, at=NOW)
    assert proactive.find_due(allowance, by=clerk, at=NOW + timedelta(days=1)).made == 1


@pytest.mark.django_db
def test_whoever_opts_out_before_it_is_sent_is_left_alone(allowance, clerk):
    person = born(date(1946, 11, 30))
    proactive.find_due(allowance, by=clerk, at=NOW)
    [message] = Message.objects.all()
    notify.opt_out(person, True, by=clerk, at=NOW)
    notify.opt_out(person, True, by=clerk, at=NOW)
    with pytest.raises(notify.NothingToSend):
        notify.send(allowance.region_id, [message.pk], by=clerk, at=NOW)
    assert queries.wants_none(person)
    assert not Delivery.objects.exists()


@pytest.mark.django_db
def test_what_was_granted_and_runs_out_is_renewed_once():
    version = make_version(immediate=True, due_rule={"kind": "renewal", "months": 12, "before_days": 30})
    item = version.item
    clerk = make_staff(Role.CLERK, department=item.department, for_region=True)
    person, center = make_applicant(), make_center(item.region)

    def grant(at):
        handed = {material.pk: Handed("complete") for material in version.materials.all()}
        case = cases.receive(version, person, center=center, materials=handed, by=clerk, at=at)
        cases.accept(case.pk, by=clerk, at=at)
        return cases.decide(case.pk, outcome="granted", by=clerk, at=at)

    grant(NOW)
    early, due = NOW + timedelta(days=300), NOW + timedelta(days=340)
    assert proactive.find_due(item, by=clerk, at=early).made == 0
    assert proactive.find_due(item, by=clerk, at=due).made == 1
    assert proactive.find_due(item, by=clerk, at=due + timedelta(days=1)).made == 0
    [message] = Message.objects.all()
    assert message.due_on == date(2027, 11, 18)
    grant(due + timedelta(days=2))
    assert proactive.find_due(item, by=clerk, at=due + timedelta(days=3)).found == 0


@pytest.mark.django_db
def test_a_search_goes_on_where_it_stopped(allowance, clerk, monkeypatch):
    monkeypatch.setattr(proactive, "BATCH", 2)
    for n in range(5):
        born(date(1946, 11, 20) + timedelta(days=n))
    first = proactive.find_due(allowance, by=clerk, at=NOW, most=2)
    assert (first.looked_at, first.made, first.is_done) == (2, 2, False)
    rest = proactive.find_due(allowance, by=clerk, at=NOW)
    assert (rest.looked_at, rest.made, rest.is_done) == (3, 3, True)
    assert proactive.find_due(allowance, by=clerk, at=NOW).looked_at == 0


@pytest.mark.django_db
def test_the_nightly_job_looks_through_every_item_with_a_rule(allowance):
    born(date(1946, 11, 30))
    make_version()
    assert proactive.find_all_due([allowance.region_id], by=SYSTEM, at=NOW) == 1
    assert list(proactive.items_with_rule(allowance.region_id)) == [allowance]


@pytest.mark.django_db
def test_only_staff_at_the_counter_find_send_and_drop(allowance, clerk):
    born(date(1946, 11, 30))
    with pytest.raises(access.NotAllowed):
        proactive.find_due(allowance, by=outsider(), at=NOW)
    proactive.find_due(allowance, by=clerk, at=NOW)
    ids = list(Message.objects.values_list("pk", flat=True))
    for act in (notify.send, notify.drop):
        with pytest.raises(access.NotAllowed):
            act(allowance.region_id, ids, by=outsider(), at=NOW)
    assert notify.drop(allowance.region_id, ids, by=clerk, at=NOW) == 1
    assert proactive.find_due(allowance, by=clerk, at=NOW + timedelta(days=1)).made == 0


@pytest.mark.django_db
def test_a_telephone_call_is_noted_once(allowance, clerk):
    born(date(1946, 11, 30))
    proactive.find_due(allowance, by=clerk, at=NOW)
    notify.send(allowance.region_id, list(Message.objects.values_list("pk", flat=True)), by=clerk, at=NOW)
    [delivery] = queries.to_call(allowance.region_id)
    notify.note_called(delivery, reached=True, by=clerk, at=NOW)
    notify.note_called(delivery, reached=False, by=clerk, at=NOW)
    assert not queries.to_call(allowance.region_id)
    assert Delivery.objects.get(pk=delivery.pk).is_delivered is True
    assert Event.objects.filter(kind="notify.called").count() == 1


@given(st.dates(date(1930, 1, 1), date(2010, 12, 31)), st.integers(1, 100))
def test_people_are_told_around_their_birthday_only(born_on, years):
    birthday = add_months(born_on, 12 * years)
    assert proactive.due_by_age(born_on, years, birthday) == birthday
    assert proactive.due_by_age(born_on, years, birthday - timedelta(days=31)) is None
    assert proactive.due_by_age(born_on, years, birthday + timedelta(days=367)) is None
