"""Rating by link: once, kindly, without an account."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from yimen.hall.tests.factories import make_series, make_window, serve, take
from yimen.ratings import actions
from yimen.ratings.models import Invitation, Rating, RatingLevel

pytestmark = pytest.mark.django_db


@pytest.fixture
def invitation() -> Invitation:
    now = timezone.now()
    series = make_series()
    window = make_window(series)
    take(series, at=now)
    return actions.invite_for_visit(serve(window, at=now), at=now)


def key(page: str) -> str:
    return re.search(r'name="_key" value="([^"]+)"', page)[1]


def tap(client: Client, invitation: Invitation, level: str, form_key: str = ""):
    form_key = form_key or key(client.get(f"/r/{invitation.token}").content.decode())
    return client.post(f"/r/{invitation.token}/level", {"level": level, "_key": form_key}, follow=True)


def test_five_faces_in_a_fixed_order_and_none_chosen(client: Client, invitation):
    page = client.get(f"/r/{invitation.token}").content.decode()
    assert re.findall(r'name="level" value="(\w+)"', page) == RatingLevel.values
    assert "aria-pressed" not in page and "checked" not in page


@pytest.mark.parametrize("level, asked", [("very_good", "哪里让您满意"), ("very_bad", "是哪里不好")])
def test_the_first_tap_is_the_rating_and_the_rest_may_be_skipped(client: Client, invitation, level, asked):
    page = tap(client, invitation, level).content.decode()
    assert Rating.objects.get().level == level
    assert "记下了" in page and asked in page


def test_a_second_rating_is_refused_kindly(client: Client, invitation):
    page = client.get(f"/r/{invitation.token}").content.decode()
    tap(client, invitation, "good")
    again = tap(client, invitation, "very_bad", key(page) + "-other")
    assert again.status_code == 409 and "这次您已经评过了" in again.content.decode()
    assert Rating.objects.get().level == "good"


def test_a_double_tap_is_one_rating(client: Client, invitation):
    same = key(client.get(f"/r/{invitation.token}").content.decode())
    assert [tap(client, invitation, "good", same).status_code for _time in range(2)] == [200, 200]
    assert Rating.objects.count() == 1


def test_reasons_once(client: Client, invitation):
    page = tap(client, invitation, "bad").content.decode()
    form = {"_key": key(page), "reason": ["waited_long"], "text": "<b>人多</b>"}
    done = client.post(f"/r/{invitation.token}/more", form, follow=True)
    assert "谢谢您" in done.content.decode() and "textarea" not in done.content.decode()
    assert Rating.objects.get().reasons == ["waited_long"]


@pytest.mark.parametrize("token", ["x", "x" * 200, "%01", "生"])
def test_an_unknown_link_is_a_kind_404(client: Client, token):
    response = client.get(f"/r/{token}")
    assert response.status_code == 404


def test_an_old_link_says_so(client: Client, invitation):
    Invitation.objects.update(expires_at=timezone.now() - timedelta(days=1))
    assert "时间已经过了" in client.get(f"/r/{invitation.token}").content.decode()


def test_figures_show_the_bad_ones_too(client: Client, invitation):
    from yimen.people.models import ServiceCenter

    ServiceCenter.objects.filter(region_id=invitation.region_id).exclude(pk=invitation.center_id).delete()
    tap(client, invitation, "bad")
    page = client.get("/ratings").content.decode()
    assert "1 条评价" in page and "不满意" in page and "好评率 <b>0%</b>" in page
    assert "1</b> 条差评" in client.get("/").content.decode()
    assert client.get("/ratings/century").status_code == 404
