"""One rating for one service, given by whoever holds the link, and never who."""

import re
import threading
from datetime import date, timedelta

import pytest
from django.db import connection

from yimen.cases.tests.factories import make_case
from yimen.catalog.models import LocalRule
from yimen.hall.tests.factories import call, make_series, make_window, take
from yimen.ledger.models import Event
from yimen.people.tests.factories import NOW
from yimen.ratings import actions, queries
from yimen.ratings.models import Invitation, Rating
from yimen.ratings.tests.factories import finish, make_invitation, make_visit

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)


def test_a_visit_is_rated_once_and_a_second_rating_is_refused_kindly():
    invitation = make_invitation()
    rating = actions.rate(invitation.token, level="very_good", at=LATER)
    with pytest.raises(actions.AlreadyRated, match=r"^这次您已经评过了。想补充，写在这里。$"):
        actions.rate(invitation.token, level="bad", channel="kiosk", at=LATER)
    rating.refresh_from_db()
    assert (Rating.objects.count(), rating.level, rating.channel) == (1, "very_good", "qr")


def test_the_ledger_says_what_was_given_but_not_by_whom_or_for_what():
    invitation = make_invitation()
    rating = actions.rate(invitation.token, level="bad", at=LATER)
    row = Event.objects.get(stream=f"rating:{rating.pk}")
    assert (row.kind, row.actor, row.role) == ("rating.given", "public", "public")
    assert (row.data["level"], row.data["scope"]) == ("bad", "visit")
    told = str(row.data)
    assert str(invitation.ticket_id) not in told and invitation.token not in told


def test_a_visit_and_a_matter_get_one_invitation_each_however_often_asked():
    ticket = make_visit()
    first, second = (actions.invite_for_visit(ticket, at=NOW) for _n in range(2))
    assert (first.pk, first.token, first.scope) == (second.pk, second.token, "visit")
    assert (first.window, first.staff) == (ticket.window, ticket.served_by)
    case = finish(make_case(immediate=True), at=NOW)
    matter, again = (actions.invite_for_matter(case, at=NOW) for _n in range(2))
    assert (matter.pk, matter.scope, matter.department) == (again.pk, "matter", case.department)
    assert Invitation.objects.count() == 2


def test_what_is_not_finished_cannot_be_rated():
    window = make_window(make_series())
    take(window.series.get())
    with pytest.raises(actions.NotFinished):
        actions.invite_for_visit(call(window), at=NOW)
    with pytest.raises(actions.NotFinished):
        actions.invite_for_matter(make_case(), at=NOW)


def test_tokens_hold_128_random_bits_and_fit_an_address():
    tokens = {make_invitation().token for _n in range(5)}
    assert len(tokens) == 5
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", token) for token in tokens)


@pytest.mark.parametrize("days, allowed", [(29, True), (31, False)])
def test_a_link_counts_for_thirty_days(days, allowed):
    invitation = make_invitation()
    at = NOW + timedelta(days=days)
    if allowed:
        assert actions.rate(invitation.token, level="good", at=at)
    else:
        with pytest.raises(actions.LinkExpired, match="12345"):
            actions.rate(invitation.token, level="good", at=at)
        assert not Rating.objects.exists()


def test_a_place_may_set_other_days_from_a_day_on():
    window = make_window(make_series())
    LocalRule.objects.create(
        region=window.region, key="rating_invitation_days", value=7, effective_on=date(2026, 11, 19), reason="试行"
    )
    before, after = make_invitation(window), make_invitation(window, NOW + timedelta(days=1))
    assert [(each.expires_at - each.made_at).days for each in (before, after)] == [30, 7]


@pytest.mark.parametrize("token", ["", "x" * 22, "x" * 33, "评" * 5, "a\0b", "' OR 1=1 --"])
def test_an_unknown_link_is_told_so(token):
    make_invitation()
    with pytest.raises(actions.UnknownLink, match="二维码"):
        actions.rate(token, level="good", at=NOW)
    with pytest.raises(actions.UnknownLink):
        actions.add_reasons(token, [], "好", at=NOW)
    assert queries.invitation_for(token) is None


@pytest.mark.parametrize("level, channel", [("5", "qr"), ("", "qr"), ("good", "fax")])
def test_only_the_named_levels_and_channels_count(level, channel):
    invitation = make_invitation()
    with pytest.raises(actions.NotAChoice):
        actions.rate(invitation.token, level=level, channel=channel, at=NOW)
    assert actions.rate(invitation.token, level="good", channel="tablet", at=NOW).channel == "tablet"


def test_reasons_are_added_once_after_the_rating():
    token = make_invitation().token
    with pytest.raises(actions.NotRatedYet):
        actions.add_reasons(token, ["quick"], at=LATER)
    actions.rate(token, level="good", at=LATER)
    assert actions.add_reasons(token, [], "  ", at=LATER).added_at is None
    rating = actions.add_reasons(token, ["quick", "kind", "quick"], " 讲得明白 ", at=LATER)
    assert (rating.reasons, rating.text) == (["quick", "kind"], "讲得明白")
    with pytest.raises(actions.AlreadyAdded):
        actions.add_reasons(token, [], "还有", at=LATER)
    row = Event.objects.get(kind="rating.explained")
    assert (row.data, row.actor) == ({"reasons": ["quick", "kind"], "has_text": True}, "public")


@pytest.mark.parametrize(
    "reasons, text",
    [(["waited_long"], ""), (["<b>"], ""), ([], "长" * 501), ([], "a\0b")],
    ids=["another level's", "not offered", "too long", "nul"],
)
def test_only_offered_reasons_and_short_texts_are_kept(reasons, text):
    token = make_invitation().token
    actions.rate(token, level="good", at=LATER)
    with pytest.raises(actions.NotAChoice):
        actions.add_reasons(token, reasons, text, at=LATER)
    assert Rating.objects.get().added_at is None


@pytest.mark.django_db(transaction=True)
def test_fifty_taps_at_once_are_one_rating():
    token = make_invitation().token
    told: list[str] = []
    start = threading.Barrier(50)

    def tap(n):
        start.wait()
        try:
            actions.rate(token, level=["good", "bad"][n % 2], at=LATER)
            told.append("given")
        except actions.AlreadyRated:
            told.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=tap, args=[n]) for n in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (told.count("given"), told.count("refused")) == (1, 49)
    assert Rating.objects.count() == Event.objects.filter(kind="rating.given").count() == 1
