"""The life of a certificate: its state on any day, changes from a day on, numbers, replacement."""

import threading
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from io import BytesIO

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from yimen.catalog.models import ItemType, ServiceItem
from yimen.certificates import actions, documents, jobs, queries, rules
from yimen.certificates.models import Certificate, CertificateChange
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.people.access import NotAllowed
from yimen.people.models import Role
from yimen.people.tests.factories import make_applicant, make_department, make_staff

AT = datetime(2026, 11, 18, 1, 5, tzinfo=UTC)
TODAY = date(2026, 11, 18)
State = Certificate.State


def make_item(department=None):
    department = department or make_department()
    n = ServiceItem.objects.count()
    return ServiceItem.objects.create(
        region=department.region, department=department, task_code=f"11500000MB2D06811W4000199{n:06d}", name="演示许可",
        item_type=ItemType.LICENSE,
    )  # fmt: skip


def issue(item=None, holder=None, *, at=AT, valid_from=TODAY, valid_until=date(2027, 11, 17), **fields):
    item = item or make_item()
    holder = holder or make_applicant(region=item.region)
    return actions.issue(
        item, holder, name="演示许可证", series="QH", valid_from=valid_from, valid_until=valid_until,
        by=SYSTEM, at=at, **fields,
    )  # fmt: skip


# -- state on a day ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "changes", "state"),
    [
        (TODAY - timedelta(days=1), [], None),
        (TODAY, [], "valid"),
        (date(2027, 11, 17), [], "valid"),
        (date(2027, 11, 18), [], "expired"),
        (date(2027, 1, 1), [("revoked", date(2027, 1, 1))], "revoked"),
        (date(2026, 12, 31), [("revoked", date(2027, 1, 1))], "valid"),
        (date(2027, 3, 1), [("lost", date(2027, 1, 1)), ("valid", date(2027, 2, 1))], "valid"),
        (date(2027, 1, 15), [("lost", date(2027, 1, 1)), ("valid", date(2027, 2, 1))], "lost"),
        (date(2027, 3, 1), [("revoked", date(2027, 1, 1)), ("replaced", date(2027, 2, 1))], "revoked"),
        (date(2027, 3, 1), [("withdrawn", date(2027, 1, 1)), ("cancelled", date(2027, 2, 1))], "cancelled"),
        (date(2028, 1, 1), [("cancelled", date(2027, 12, 1))], "cancelled"),
        (date(2028, 1, 1), [("lost", date(2027, 12, 1))], "expired"),
    ],
)
def test_the_state_on_a_day(day, changes, state):
    assert rules.state_on(TODAY, date(2027, 11, 17), changes, day) == state


_days = st.dates(date(2020, 1, 1), date(2030, 12, 31))
_changes = st.lists(st.tuples(st.sampled_from([one for one in State if one != State.EXPIRED]), _days), max_size=6).map(
    lambda found: sorted(found, key=lambda one: one[1])
)


@given(_days, st.integers(0, 1500), _changes, st.sampled_from(list(State)), st.integers(0, 900), _days)
def test_a_change_from_a_day_on_leaves_every_day_before_it_as_it_was(begin, days, changes, state, later, asked):
    until = begin + timedelta(days=days)
    from_on = max([begin, *(day for _state, day in changes)]) + timedelta(days=later)
    if asked < from_on:
        more = [*changes, (state, from_on)]
        assert rules.state_on(begin, until, changes, asked) == rules.state_on(begin, until, more, asked)


@given(_days, _changes, _days)
def test_what_is_over_never_comes_back(begin, changes, day):
    ended = {State.REPLACED, State.WITHDRAWN, State.REVOKED, State.TAKEN_AWAY, State.CANCELLED}
    if rules.state_on(begin, None, changes, day) in ended:
        assert rules.state_on(begin, None, changes, day + timedelta(days=999)) in ended


@pytest.mark.parametrize(
    ("begin", "until", "next_until"),
    [
        (date(2025, 3, 1), date(2026, 2, 28), date(2027, 2, 28)),
        (date(2026, 1, 1), date(2026, 12, 31), date(2027, 12, 31)),
        (date(2023, 11, 18), date(2026, 11, 17), date(2029, 11, 17)),
        (date(2026, 1, 22), date(2026, 12, 31), date(2027, 12, 10)),
    ],
)
def test_a_renewal_is_as_long_as_what_it_renews(begin, until, next_until):
    assert rules.renewed_until(begin, until) == next_until


# -- acts -------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("role", "state", "allowed"),
    [
        (Role.LEADER, "revoked", True),
        (Role.LEADER, "taken_away", True),
        (Role.LEADER, "withdrawn", True),
        (Role.LEADER, "cancelled", True),
        (Role.APPROVER, "revoked", False),
        (Role.CLERK, "cancelled", False),
        (Role.CLERK, "lost", True),
        (Role.SUPERVISOR, "lost", False),
    ],
)
def test_the_leader_ends_a_certificate_and_the_window_notes_a_loss(role, state, allowed):
    made = issue()
    by = make_staff(role, department=made.department)
    with nullcontext() if allowed else pytest.raises(NotAllowed):
        actions.change_state(made.pk, state, ground="依照有关规定办理。", by=by, at=AT)
    made.refresh_from_db()
    assert made.state == (state if allowed else "valid")
    assert Event.objects.filter(stream=made.stream, kind="certificate.changed").exists() is allowed


@pytest.mark.django_db
def test_a_change_says_why_begins_today_or_later_and_is_never_unwritten():
    made = issue()
    with pytest.raises(actions.NoGround):
        actions.change_state(made.pk, "revoked", ground="  ", by=SYSTEM, at=AT)
    with pytest.raises(actions.WrongDay):
        actions.change_state(
            made.pk, "revoked", ground="依照有关规定办理。", from_on=TODAY - timedelta(days=1), by=SYSTEM, at=AT
        )
    coming = TODAY + timedelta(days=10)
    actions.change_state(made.pk, "withdrawn", ground="依据的法规修改。", from_on=coming, by=SYSTEM, at=AT)
    made.refresh_from_db()
    assert made.state == "valid"
    assert jobs.note_all_states(at=AT + timedelta(days=10)) == 1
    assert jobs.note_all_states(at=AT + timedelta(days=10)) == 0
    made.refresh_from_db()
    assert made.state == "withdrawn"
    for change in (
        lambda: CertificateChange.objects.update(from_on=TODAY),
        lambda: CertificateChange.objects.all().delete(),
    ):
        with pytest.raises(Exception, match="append-only"), transaction.atomic():
            change()


@pytest.mark.django_db
def test_one_that_has_run_out_is_marked_and_can_only_be_cancelled_or_revoked():
    made = issue(valid_until=TODAY + timedelta(days=3))
    assert jobs.note_all_states(at=AT + timedelta(days=3)) == 0
    late = AT + timedelta(days=20)
    assert [jobs.note_all_states(at=late), jobs.note_all_states(at=late)] == [1, 0]
    with pytest.raises(actions.WrongState):
        actions.change_state(made.pk, "lost", ground="持证人说丢了。", by=SYSTEM, at=late)
    actions.change_state(made.pk, "cancelled", ground="有效期届满未延续。", by=SYSTEM, at=late)
    assert queries.state_on(queries.by_number(made.region_id, made.number), TODAY) == "valid"


@pytest.mark.django_db
def test_a_lost_one_is_made_anew_under_a_new_number_for_the_days_left():
    old = issue()
    actions.change_state(old.pk, "lost", ground="持证人说丢了。", by=SYSTEM, at=AT)
    new = actions.reissue(old.pk, ground="登报挂失期满。", by=SYSTEM, at=AT + timedelta(days=30))
    old.refresh_from_db()
    assert (old.state, old.replaced_by, new.valid_until) == ("replaced", new, old.valid_until)
    assert new.number.endswith("00002号")
    with pytest.raises(actions.WrongState):
        actions.reissue(old.pk, ground="登报挂失期满。", by=SYSTEM, at=AT + timedelta(days=30))


@pytest.mark.django_db
def test_valid_for_shows_what_need_not_be_handed_in_again():
    item = make_item()
    holder = make_applicant(region=item.region)
    first, second = issue(item, holder), issue(item, holder)
    issue(item)
    actions.change_state(second.pk, "revoked", ground="依照有关规定办理。", by=SYSTEM, at=AT)
    assert queries.valid_for(holder, TODAY) == [first]
    assert queries.valid_for(holder, date(2028, 1, 1)) == []


@pytest.mark.django_db
@pytest.mark.parametrize(("own", "seen"), [(True, 1), (False, 0)])
def test_staff_see_the_certificates_of_their_unit(own, seen, django_assert_max_num_queries):
    made = issue()
    department = made.department if own else make_department(made.region)
    staff = make_staff(Role.APPROVER, department=department)
    assert queries.find(staff, text=made.number).count() == seen
    assert (queries.get_for(staff, made.pk) is not None) is own
    assert not queries.find(make_staff(Role.SYSTEM_ADMIN, department=made.department)).exists()


@pytest.mark.django_db
def test_the_paper_says_the_number_the_holder_and_the_check_code():
    made = issue()
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(documents.render(made))).pages).replace(" ", "")
    for part in (made.number, made.holder.name, "演示许可证", "2027年11月17日", made.verify_code[:4]):
        assert part.replace(" ", "") in text


@pytest.mark.django_db(transaction=True)
def test_numbers_given_at_once_have_no_gap_and_no_double():
    item = make_item()
    holder, start = make_applicant(region=item.region), threading.Barrier(8)

    def run(n):
        start.wait()
        try:
            for _n in range(5):
                with transaction.atomic():
                    issue(item, holder)
                    if n % 2:
                        raise RuntimeError
        except RuntimeError:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[n]) for n in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    numbers = sorted(int(one.number[-6:-1]) for one in Certificate.objects.all())
    assert numbers == list(range(1, 21))
