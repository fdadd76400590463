"""The rating behind a link: the first tap is the rating, everything after it may be left out (RATE-4, RATE-7)."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from yimen.ratings import actions, queries, rules
from yimen.ratings.models import RatingLevel
from yimen.web import context
from yimen.web.once import Done, keyed


def _page(request: HttpRequest, token: str, **more: Any) -> HttpResponse:
    invitation = queries.invitation_for(token)
    if invitation is None:
        return render(request, "portal/rate_unknown.html", status=404)
    rating = queries.rating_of(invitation)
    values = {
        "token": token,
        "invitation": invitation,
        "rating": rating,
        "levels": RatingLevel.choices,
        "reasons": rules.reasons_for(rating.level).items() if rating else (),
        "may_add": rating is not None and rating.added_at is None and timezone.now() <= invitation.expires_at,
        "is_over": rating is None and timezone.now() > invitation.expires_at,
        "most_text": rules.MAX_TEXT,
    }
    return render(request, "portal/rate.html", values | more)


@require_safe
@never_cache
def page(request: HttpRequest, token: str) -> HttpResponse:
    return _page(request, token)


@require_POST
@never_cache
@keyed("portal.rate", stay=_page)
def rate(request: HttpRequest, token: str) -> Done:
    actions.rate(token, level=request.POST.get("level", ""), at=timezone.now())
    return Done(reverse("portal:rate", args=[token]))


@require_POST
@never_cache
@keyed("portal.rate_more", stay=_page)
def more(request: HttpRequest, token: str) -> Done:
    actions.add_reasons(token, request.POST.getlist("reason"), request.POST.get("text", ""), at=timezone.now())
    return Done(reverse("portal:rate", args=[token]))


@require_safe
def public(request: HttpRequest, period: str = "month") -> HttpResponse:
    """Everybody's ratings as figures; the bad ones are not left out."""
    if period not in queries.PERIODS:
        raise Http404
    region, (start, end) = context.center().region, queries.days_of(period, timezone.localdate())
    figures = queries.figures(region, start, end)
    most = max(figures.counts.values(), default=0)
    levels = [
        (value, label, figures.counts[value], _bar(figures.counts[value], most)) for value, label in RatingLevel.choices
    ]
    values = {
        "period": period,
        "periods": queries.PERIODS,
        "start": start,
        "end": end,
        "figures": figures,
        "levels": levels,
        "reasons": queries.reasons_given(region, start, end)[:7],
    }
    return render(request, "portal/ratings.html", values)


def _bar(count: int, most: int) -> int:
    """Length of a bar of at most 100; what is there is seen."""
    return max(1, round(100 * count / most)) if count else 0
