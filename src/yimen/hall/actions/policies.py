"""Writes: how a hall calls, how many numbers a series gives a day, and who holds which skill."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.catalog.models import ServiceItem
from yimen.hall.actions import common
from yimen.hall.models import Hall, Series, Skill, StaffSkill, Ticket
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib.acts import act
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Region, Staff

# What the settings page of a hall may change, with the least and most a number may be.
NUMBERS = {
    "ratio": (0, 20),
    "ageing_minutes": (0, 240),
    "cap": (1, 20),
    "margin_minutes": (0, 120),
    "wait_limit": (5, 480),
    "radius": (50, 20_000),
}
OTHERS = ("policy", "care_first", "calls_by_itself", "keeps_hours", "join_code", "latitude", "longitude")


class WrongSetting(DomainError):
    """Not a value this setting can have."""


@act
def set_policy(hall_id: UUID, *, by: Actor, at: datetime, **wanted: Any) -> Hall:
    """
    Change how a hall calls, from its next call on; old and new values go into the ledger. Changing nothing records
    nothing.

    wanted: any of NUMBERS and OTHERS. Who waits for his care keeps his class: care_first counts for new tickets, and
    for those who wait now as well. Raises WrongSetting, access.NotAllowed.
    """
    hall = Hall.objects.select_for_update(no_key=True).get(pk=hall_id)
    access.require(by, "hall.manage", region=hall.region_id)
    for name, value in wanted.items():
        if name in NUMBERS and not NUMBERS[name][0] <= value <= NUMBERS[name][1]:
            least, most = NUMBERS[name]
            raise WrongSetting(_("请填 %(least)s 到 %(most)s 之间的数。") % {"least": least, "most": most})
        if name not in NUMBERS and name not in OTHERS:
            raise WrongSetting(_("没有这一项设置。"))
    if wanted.get("policy", hall.policy) not in Hall.Policy.values:
        raise WrongSetting(_("没有这种叫号办法，请从列表里选。"))
    if set(wanted.get("care_first", ())) - set(Ticket.Care.values):
        raise WrongSetting(_("没有这种照顾，请从列表里选。"))
    changed = {name: value for name, value in wanted.items() if getattr(hall, name) != value}
    if not changed:
        return hall
    before = {name: getattr(hall, name) for name in changed}
    for name, value in changed.items():
        setattr(hall, name, value)
    hall.save(update_fields=list(changed))
    if "care_first" in changed:
        waiting = Ticket.objects.filter(
            region_id=hall.region_id, hall=hall, day=localdate(at), status=Ticket.Status.WAITING, grant=None
        ).exclude(care="")
        kept = Q(care__in=hall.care_first) | Q(source=Ticket.Source.APPOINTMENT)
        waiting.filter(kept).update(is_priority=True)
        waiting.exclude(kept).update(is_priority=False)
    # The code at the door is a secret of the day: that it changed is enough.
    hidden = {"join_code", "latitude", "longitude"}
    data = {name: None if name in hidden else [before[name], changed[name]] for name in sorted(changed)}
    ledger.record(f"hall:{hall.pk}", "hall.policy_set", region=hall.region_id, by=by, at=at, data=data)
    common.tell(hall.pk)
    common.give_work(hall, at)
    return hall


@act
def set_limits(
    series_id: UUID, *, daily_cap: int | None, warning_at: int | None, surge_at: int, by: Actor, at: datetime
) -> Series:
    """
    Set how many numbers a series gives a day (None: as many as come), from which one people are told that few are
    left, and how many waiting raise the alarm. Today's count goes on. Raises WrongSetting.
    """
    series = Series.objects.select_for_update(no_key=True).get(pk=series_id)
    access.require(by, "hall.manage", region=series.region_id)
    if daily_cap is not None and not 1 <= daily_cap <= 9999:
        raise WrongSetting(_("一天最多给多少个号，请填 1 到 9999，不限就空着。"))
    if warning_at is not None and (daily_cap is None or not 1 <= warning_at <= daily_cap):
        raise WrongSetting(_("提醒的数不能比一天的总数大；没有总数就不用提醒。"))
    if not 1 <= surge_at <= 999:
        raise WrongSetting(_("排多少人要报警，请填 1 到 999。"))
    wanted = {"daily_cap": daily_cap, "warning_at": warning_at, "surge_at": surge_at}
    changed = {name: [getattr(series, name), value] for name, value in wanted.items() if getattr(series, name) != value}
    if changed:
        for name, value in wanted.items():
            setattr(series, name, value)
        series.save(update_fields=list(wanted))
        data = {"letter": series.letter, **changed}
        ledger.record(f"series:{series.pk}", "hall.limits_set", region=series.region_id, by=by, at=at, data=data)
        common.tell(series.hall_id)
    return series


@act
def set_skill(
    region: Region, name: str, items: Iterable[ServiceItem], *, by: Actor, at: datetime, skill_id: UUID | None = None
) -> Skill:
    """
    Add a skill, or change an old one: tickets taken for its items from now on are called only where somebody holds it.

    Raises WrongSetting for a name that is missing or taken, or an item of another region.
    """
    access.require(by, "hall.manage", region=region.pk)
    name, wanted = name.strip(), list(items)
    if not name or any(item.region_id != region.pk for item in wanted):
        raise WrongSetting(_("请写专长的名称，并选本地区的事项。"))
    named = Skill.objects.filter(region=region, name=name)
    if (named.exclude(pk=skill_id) if skill_id else named).exists():
        raise WrongSetting(_("“%(name)s”已经有了，请直接改它。") % {"name": name})
    if skill_id is None:
        skill = Skill.objects.create(region=region, name=name)
    else:
        skill = Skill.objects.select_for_update(no_key=True).get(pk=skill_id, region=region)
        skill.name = name
        skill.save(update_fields=["name"])
    skill.items.set(wanted)
    data = {"name": name, "items": sorted(str(item.pk) for item in wanted)}
    ledger.record(f"skill:{skill.pk}", "hall.skill_set", region=region.pk, by=by, at=at, data=data)
    return skill


@act
def give_skill(skill_id: UUID, staff: Staff, *, by: Actor, at: datetime) -> StaffSkill:
    """Note that somebody holds a skill from today on. Again changes nothing. Raises WrongSetting for another region."""
    skill = Skill.objects.select_for_update(no_key=True).get(pk=skill_id)
    access.require(by, "hall.manage", region=skill.region_id)
    if staff.region_id != skill.region_id:
        raise WrongSetting(_("这个人不在本地区。"))
    known = StaffSkill.objects.filter(skill=skill, staff=staff, until_day=None).first()
    if known is not None:
        return known
    held = StaffSkill.objects.create(region_id=skill.region_id, skill=skill, staff=staff, from_day=localdate(at))
    _record(held, "hall.skill_given", by, at)
    return held


@act
def end_skill(held_id: UUID, *, by: Actor, at: datetime) -> StaffSkill:
    """Note that somebody holds a skill no longer, from now on. Again changes nothing."""
    held = StaffSkill.objects.select_for_update(of=("self",), no_key=True).select_related("skill").get(pk=held_id)
    access.require(by, "hall.manage", region=held.region_id)
    if held.until_day is None:
        held.until_day = _day_before(localdate(at))
        held.save(update_fields=["until_day"])
        _record(held, "hall.skill_ended", by, at)
    return held


def _day_before(day: date) -> date:
    return date.fromordinal(day.toordinal() - 1)


def _record(held: StaffSkill, kind: str, by: Actor, at: datetime) -> None:
    data = {"staff": str(held.staff_id)}
    ledger.record(f"skill:{held.skill_id}", kind, region=held.region_id, by=by, at=at, data=data)
