"""
What is done with ratings: invite, rate once, add reasons once.

Nobody needs an account and nobody is asked who they are (RATE-7): the link's token is the right, the actor in the
ledger is "public", and no row there says which visit or matter it was.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases.models import Case
from yimen.catalog import queries as catalog
from yimen.hall.models import GuideHelp, Ticket
from yimen.ledger import actions as ledger
from yimen.ledger.actions import PUBLIC
from yimen.lib.acts import act, add
from yimen.lib.errors import DomainError
from yimen.lib.reading import Given, Question
from yimen.ratings import rules
from yimen.ratings.models import Invitation, Rating, RatingLevel, RatingScope


class UnknownLink(DomainError):
    """No invitation has this token."""


class LinkExpired(DomainError):
    """The invitation's days are over."""


class AlreadyRated(DomainError):
    """One rating for one visit or matter (RATE-4)."""


class AlreadyAdded(DomainError):
    """Reasons can be added once."""


class NotRatedYet(DomainError):
    """Reasons belong to a rating."""


class NotAChoice(DomainError):
    """A level, channel or reason that was not offered."""


class NotFinished(DomainError):
    """Only what has been finished can be rated."""


def invite_for_visit(ticket: Ticket, *, at: datetime) -> Invitation:
    """Return the invitation for a finished visit, made the first time (一次一评). Raises NotFinished."""
    if ticket.status != Ticket.Status.FINISHED:
        raise NotFinished(_("办完以后才能评价。"))
    return Invitation.objects.get_or_create(
        ticket=ticket,
        defaults=_invitation(ticket.region_id, at)
        | {
            "scope": RatingScope.VISIT,
            "center_id": ticket.hall.center_id,
            "window_id": ticket.window_id,
            "staff_id": ticket.served_by_id,
            "department_id": ticket.case.department_id if ticket.case else None,
        },
    )[0]


def invite_for_matter(case: Case, *, at: datetime) -> Invitation:
    """Return the invitation for a completed case, made the first time (一事一评). Raises NotFinished."""
    if case.completed_at is None:
        raise NotFinished(_("办结以后才能评价。"))
    return Invitation.objects.get_or_create(
        case=case,
        defaults=_invitation(case.region_id, at)
        | {"scope": RatingScope.MATTER, "center_id": case.center_id, "department_id": case.department_id},
    )[0]


def invite_for_help(help_: GuideHelp, *, at: datetime) -> Invitation:
    """Return the invitation for what a guide did, made the first time: it is rated on its own (S0-27)."""
    return Invitation.objects.get_or_create(
        help=help_,
        defaults=_invitation(help_.region_id, at)
        | {"scope": RatingScope.HELP, "center_id": help_.hall.center_id, "staff_id": help_.staff_id},
    )[0]


@act
def rate(token: str, *, level: str, channel: str = Rating.Channel.QR, at: datetime) -> Rating:
    """
    Rate once. Raises UnknownLink, LinkExpired, AlreadyRated, NotAChoice.
    """
    if level not in RatingLevel.values or channel not in Rating.Channel.values:
        raise NotAChoice(_("请从五个满意程度里选一个。"))
    invitation = _locked(token)
    if _RATED.ask(invitation=invitation.pk):
        raise AlreadyRated(_("这次您已经评过了。想补充，写在这里。"))
    if at > invitation.expires_at:
        raise LinkExpired(_("这次评价的时间已经过了。有话想说，可以拨 12345，或者到大厅的意见箱。"))
    rating = Rating(region_id=invitation.region_id, invitation=invitation, level=level, channel=channel, rated_at=at)
    add([rating])
    data: dict[str, Any] = {
        "level": str(level),
        "scope": str(invitation.scope),
        "channel": str(channel),
        "center": str(invitation.center_id),
        "window": str(invitation.window_id or ""),
        "department": str(invitation.department_id or ""),
    }
    ledger.note(rating.stream, "rating.given", region=rating.region_id, by=PUBLIC, at=at, data=data)
    return rating


@transaction.atomic
def add_reasons(token: str, reasons: Sequence[str], text: str = "", *, at: datetime) -> Rating:
    """
    Say why, once, after the rating. reasons: keys of rules.reasons_for(level), at most five; text: 500 characters.

    Nothing said is no addition. Raises UnknownLink, NotRatedYet, AlreadyAdded, LinkExpired, NotAChoice.
    """
    invitation = _locked(token)
    rating = Rating.objects.filter(invitation=invitation).first()
    if rating is None:
        raise NotRatedYet(_("请先选满意程度，再说说为什么。"))
    if rating.added_at is not None:
        raise AlreadyAdded(_("您补充的话已经收到了。还想说，可以拨 12345。"))
    if at > invitation.expires_at:
        raise LinkExpired(_("这次评价的时间已经过了。有话想说，可以拨 12345，或者到大厅的意见箱。"))
    chosen, text = list(dict.fromkeys(reasons)), text.strip()
    if len(chosen) > rules.MAX_REASONS or not set(chosen) <= set(rules.reasons_for(rating.level)):
        raise NotAChoice(_("请从列出的原因里选，最多 %(n)s 个。") % {"n": rules.MAX_REASONS})
    if len(text) > rules.MAX_TEXT:
        raise NotAChoice(_("写得太长了，请不超过 %(n)s 个字。") % {"n": rules.MAX_TEXT})
    if "\0" in text:
        raise NotAChoice(_("里面有打印不出来的字符，请重新写一下。"))
    if not chosen and not text:
        return rating
    rating.reasons, rating.text, rating.added_at = chosen, text, at
    rating.save(update_fields=["reasons", "text", "added_at"])
    data = {"reasons": chosen, "has_text": bool(text)}
    ledger.record(rating.stream, "rating.explained", region=rating.region_id, by=PUBLIC, at=at, data=data)
    return rating


def _invitation(region: str, at: datetime) -> dict[str, Any]:
    days = catalog.local_rule(region, rules.INVITATION_DAYS_KEY, localdate(at), default=rules.INVITATION_DAYS)
    return {
        "region_id": region,
        "token": secrets.token_urlsafe(16),
        "made_at": at,
        "expires_at": at + timedelta(days=days),
    }


_BY_TOKEN = Question(lambda: Invitation.objects.select_for_update().filter(token=Given("token")))
_RATED = Question(lambda: Rating.objects.filter(invitation=Given("invitation")).only("pk"))


def _locked(token: str) -> Invitation:
    """The lock makes parallel taps queue, so that the second finds the first one's rating."""
    invitation = None
    if 0 < len(token) <= 32 and token.isascii() and token.isprintable():
        invitation = next(iter(_BY_TOKEN.ask(token=token)), None)
    if invitation is None:
        raise UnknownLink(_("没找到这次服务。请再扫一次二维码，或者找导办员帮您。"))
    return invitation
