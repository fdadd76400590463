"""Reads: the invitation behind a link, public figures, figures by window. None of them says who rated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from yimen.hall.models import GuideHelp, Window
from yimen.lib.workdays import LOCAL_ZONE
from yimen.people.models import Staff
from yimen.ratings import rules
from yimen.ratings.models import Invitation, Rating, RatingLevel, RatingScope
from yimen.ratings.rules import Figures

PERIODS: Mapping[str, Promise] = {
    "month": _("本月"),
    "quarter": _("本季度"),
    "year": _("今年"),
    "days30": _("近 30 天"),
}


def invitation_for(token: str) -> Invitation | None:
    """Return the invitation with everything its page shows; None when no link has this token."""
    if not 0 < len(token) <= 32 or not (token.isascii() and token.isprintable()):
        return None
    return (
        Invitation.objects.select_related(
            *("center", "department", "window", "rating", "ticket", "case", "case__version", "ticket__item"),
            *("help", "staff"),
        )
        .filter(token=token)
        .first()
    )


def rating_of(invitation: Invitation) -> Rating | None:
    """Return the rating already given, if any, without a further query when it was loaded."""
    try:
        return invitation.rating
    except Rating.DoesNotExist:
        return None


def days_of(period: str, today: date) -> tuple[date, date]:
    """Return the first and last local day of a named period through today. Raises ValueError for another name."""
    match period:
        case "month":
            return today.replace(day=1), today
        case "quarter":
            return today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1), today
        case "year":
            return today.replace(month=1, day=1), today
        case "days30":
            return today - timedelta(days=29), today
        case _:
            raise ValueError(period)


def figures(region: str, start: date, end: date, *, center: UUID | None = None) -> Figures:
    """
    Return the public figures of the local days start through end (RATE-11), in two statements.

    Visits and matters; a guide's help is counted on its own (guide_figures).
    """
    begin, until = _moments(start, end)
    ratings = Rating.objects.filter(region_id=region, rated_at__gte=begin, rated_at__lt=until)
    ratings = ratings.exclude(invitation__scope=RatingScope.HELP)
    invitations = Invitation.objects.filter(region_id=region, made_at__gte=begin, made_at__lt=until)
    invitations = invitations.exclude(scope=RatingScope.HELP)
    if center is not None:
        ratings, invitations = ratings.filter(invitation__center=center), invitations.filter(center=center)
    counted = dict(ratings.order_by().values_list("level").annotate(n=Count("pk")))
    return Figures({level: counted.get(level, 0) for level in RatingLevel.values}, invitations.count())


@dataclass(frozen=True)
class GuideFigures:
    """One guide's help in a period: how often, and how it was rated. Nobody who was helped is named anywhere."""

    name: str
    helps: int
    figures: Figures


def guide_figures(region: str, start: date, end: date) -> Sequence[GuideFigures]:
    """Return every guide who helped on the local days start through end, by name; three statements."""
    begin, until = _moments(start, end)
    helps = dict(
        GuideHelp.objects.filter(region_id=region, at__gte=begin, at__lt=until)
        .order_by()
        .values_list("staff")
        .annotate(n=Count("pk"))
    )
    counted: dict[UUID, dict[str, int]] = {}
    rows = (
        Rating.objects.filter(region_id=region, invitation__help__at__gte=begin, invitation__help__at__lt=until)
        .order_by()
        .values_list("invitation__staff", "level")
        .annotate(n=Count("pk"))
    )
    for staff, level, n in rows:
        counted.setdefault(staff, {})[level] = n
    return [
        GuideFigures(
            one.name,
            helps[one.pk],
            Figures({level: counted.get(one.pk, {}).get(level, 0) for level in RatingLevel.values}, helps[one.pk]),
        )
        for one in Staff.objects.filter(pk__in=helps).order_by("name", "pk")
    ]


@dataclass(frozen=True)
class WindowFigures:
    window: str
    number: int
    figures: Figures


def by_window(region: str, start: date, end: date) -> Sequence[WindowFigures]:
    """Return the figures of every window that served somebody, in order of its number; three statements at most."""
    begin, until = _moments(start, end)
    counted: dict[UUID, dict[str, int]] = {}
    rows = (
        Rating.objects.filter(region_id=region, rated_at__gte=begin, rated_at__lt=until)
        .exclude(invitation__window=None)
        .order_by()
        .values_list("invitation__window", "level")
        .annotate(n=Count("pk"))
    )
    for window, level, n in rows:
        counted.setdefault(window, {})[level] = n
    rateable: dict[UUID, int] = dict(
        Invitation.objects.filter(region_id=region, made_at__gte=begin, made_at__lt=until)
        .exclude(window=None)
        .order_by()
        .values_list("window")
        .annotate(n=Count("pk"))
    )
    windows = Window.objects.filter(Q(pk__in=counted) | Q(pk__in=rateable)).order_by("number", "name")
    return [
        WindowFigures(
            window.name,
            window.number,
            Figures(
                {level: counted.get(window.pk, {}).get(level, 0) for level in RatingLevel.values},
                rateable.get(window.pk, 0),
            ),
        )
        for window in windows
    ]


def reasons_given(region: str, start: date, end: date) -> Sequence[tuple[str, Any, int]]:
    """Return (key, label, count) of the reasons people gave, the most frequent first; one statement."""
    begin, until = _moments(start, end)
    found: dict[str, int] = {}
    for reasons in (
        Rating.objects.filter(region_id=region, rated_at__gte=begin, rated_at__lt=until)
        .exclude(invitation__scope=RatingScope.HELP)
        .exclude(reasons=[])
        .values_list("reasons", flat=True)
    ):
        for key in reasons:
            found[key] = found.get(key, 0) + 1
    return sorted(((key, rules.LABELS.get(key, key), n) for key, n in found.items()), key=lambda row: (-row[2], row[0]))


def _moments(start: date, end: date) -> tuple[datetime, datetime]:
    return (
        datetime.combine(start, time(), LOCAL_ZONE),
        datetime.combine(end + timedelta(days=1), time(), LOCAL_ZONE),
    )
