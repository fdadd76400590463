"""专班: named people who follow a case, or a project of several, from start to end (S4-5)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from yimen.cases.actions.common import WrongStep, locked, record
from yimen.cases.models import Case, CaseTeam, TeamMember
from yimen.ledger import actions as ledger
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Staff

LEAST_MEMBERS = 2


class BadTeam(DomainError):
    """The team needs a name and at least two people of this region, each once and with a duty."""


@transaction.atomic
def form_team(
    name: str, members: Sequence[tuple[Staff, str]], *, case_id: UUID, by: Staff, at: datetime, note: str = ""
) -> CaseTeam:
    """
    Form a team for a case. members: each with a duty, at least two. Raises BadTeam, WrongStep for a case that is
    over, access.NotAllowed.
    """
    case = locked(case_id)
    access.require(by, "cases.team", department=case.department, region=case.region_id)
    _expect_open(case)
    if not name.strip():
        raise BadTeam(_("请给专班起个名字。"))
    if len({person.pk for person, _duty in members}) != len(members) or len(members) < LEAST_MEMBERS:
        raise BadTeam(_("专班至少要两个人，每人写一次，写清各自负责什么。"))
    team = CaseTeam.objects.create(region_id=case.region_id, name=name.strip()[:80], note=note.strip(), formed_at=at)
    for person, duty in members:
        _join(team, person, duty, at)
    data = {"team": str(team.pk), "members": [str(person.pk) for person, _duty in members]}
    ledger.record(f"team:{team.pk}", "team.formed", region=team.region_id, by=by, at=at, data=data)
    _follow(team, case, by=by, at=at)
    return team


@transaction.atomic
def join_team(team_id: UUID, person: Staff, duty: str, *, by: Staff, at: datetime) -> TeamMember:
    """Add somebody. Raises BadTeam, also for who is in it already; WrongStep for a team that is dissolved."""
    team = _running(team_id, by)
    member = _join(team, person, duty, at)
    ledger.record(
        f"team:{team.pk}", "team.joined", region=team.region_id, by=by, at=at, data={"member": str(person.pk)}
    )
    return member


@transaction.atomic
def leave_team(member_id: UUID, *, by: Staff, at: datetime) -> TeamMember:
    """Let somebody go; who was in it from when to when stays written. Raises WrongStep, BadTeam for the last two."""
    team = _running(TeamMember.objects.values_list("team_id", flat=True).get(pk=member_id), by)
    member = TeamMember.objects.get(pk=member_id)
    if member.left_at is not None:
        raise WrongStep(_("他已经不在专班里了，请刷新看最新名单。"))
    if team.members.filter(left_at=None).count() <= LEAST_MEMBERS:
        raise BadTeam(_("专班至少要两个人。请先加人，或者解散专班。"))
    member.left_at = at
    member.save(update_fields=["left_at"])
    data = {"member": str(member.staff_id)}
    ledger.record(f"team:{team.pk}", "team.left", region=team.region_id, by=by, at=at, data=data)
    return member


@transaction.atomic
def follow_case(team_id: UUID, case_id: UUID, *, by: Staff, at: datetime) -> CaseTeam:
    """Let a team follow one more case of its project. Raises WrongStep, access.NotAllowed."""
    case = locked(case_id)
    team = _running(team_id, by)
    if case.region_id != team.region_id:
        raise BadTeam(_("这件是别的地区的，专班跟不了。"))
    _expect_open(case)
    if team.cases.filter(pk=case.pk).exists():
        raise WrongStep(_("专班已经在跟这件了。"))
    _follow(team, case, by=by, at=at)
    return team


@transaction.atomic
def end_team(team_id: UUID, *, by: Staff, at: datetime) -> CaseTeam:
    """Dissolve a team. Raises WrongStep while a case it follows is open: it stays to the end (S4-5)."""
    team = _running(team_id, by)
    if team.cases.filter(status__in=[Case.Status.RECEIVED, Case.Status.ACCEPTED]).exists():
        raise WrongStep(_("专班跟的件还没有都办结，要跟到底。需要换人，请加人、减人。"))
    team.ended_at = at
    team.save(update_fields=["ended_at"])
    ledger.record(f"team:{team.pk}", "team.ended", region=team.region_id, by=by, at=at, data={})
    return team


def _join(team: CaseTeam, person: Staff, duty: str, at: datetime) -> TeamMember:
    if person.region_id != team.region_id or not person.user.is_active:
        raise BadTeam(_("请选本地区在岗的人。"))
    if not duty.strip():
        raise BadTeam(_("请写清%(name)s负责什么。") % {"name": person.name})
    if team.members.filter(staff=person, left_at=None).exists():
        raise BadTeam(_("%(name)s已经在专班里了。") % {"name": person.name})
    return TeamMember.objects.create(team=team, staff=person, duty=duty.strip()[:80], joined_at=at)


def _follow(team: CaseTeam, case: Case, *, by: Staff, at: datetime) -> None:
    team.cases.add(case)
    record(case, "case.team_follows", by=by, at=at, data={"team": str(team.pk)})


def _expect_open(case: Case) -> None:
    if not case.is_open:
        raise WrongStep(_("这件已经办结，不用再组专班。"))


def _running(team_id: UUID, by: Staff) -> CaseTeam:
    team = CaseTeam.objects.select_for_update().get(pk=team_id)
    access.require(by, "cases.team", region=team.region_id)
    if team.ended_at is not None:
        raise WrongStep(_("这个专班已经解散了。"))
    return team
