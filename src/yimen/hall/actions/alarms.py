"""Writes: alarms of a hall are raised, followed and ended by a job, and answered by its manager (S0-1, S3-18)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from yimen.hall.actions.common import tell
from yimen.hall.models import Hall, HallAlarm
from yimen.hall.queries.floor import Line, floor
from yimen.hall.rules.alarms import AlarmKind, due, is_over
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib.errors import DomainError
from yimen.people import access

ANSWER_MAX = 120


class NoAnswer(DomainError):
    """An alarm is answered with what was done."""


@transaction.atomic
def watch(hall: Hall, *, by: Actor, at: datetime) -> int:
    """
    Raise what the queues call for, bring figures up to date, end what is over; return how many alarms changed.

    May run late, twice or at once: one running alarm of a kind a series, whatever happens.
    """
    Hall.objects.select_for_update(no_key=True).get(pk=hall.pk)
    running = {(one.series_id, one.kind): one for one in HallAlarm.objects.filter(hall=hall, ended_at=None)}
    changed = 0
    for line in floor(hall, at).lines:
        wanted = due(line.pressed)
        for kind in AlarmKind:
            found = running.get((line.series_id, kind))
            if found is None and kind in wanted:
                _raise(hall, line, kind, wanted[kind], by, at)
                changed += 1
            elif found is not None and is_over(kind, line.pressed):
                found.ended_at = max(at, found.raised_at)
                found.save(update_fields=["ended_at"])
                _record(found, line, "hall.alarm_ended", by, at)
                changed += 1
            elif found is not None:
                # The window proposed before may have opened meanwhile: then another one, or none, is.
                now = max(wanted.get(kind, 0), found.figure), _proposed(line, kind)
                if now != (found.figure, found.proposed_id):
                    found.figure, found.proposed_id = now
                    found.save(update_fields=["figure", "proposed"])
                    changed += 1
    if changed:
        tell(hall.pk)
    return changed


def _raise(hall: Hall, line: Line, kind: AlarmKind, figure: int, by: Actor, at: datetime) -> None:
    alarm = HallAlarm.objects.create(
        region_id=hall.region_id,
        hall=hall,
        series_id=line.series_id,
        kind=kind,
        figure=figure,
        proposed_id=_proposed(line, kind),
        raised_at=at,
    )
    _record(alarm, line, "hall.alarm_raised", by, at)


def _proposed(line: Line, kind: AlarmKind) -> UUID | None:
    return line.proposed.window_id if line.proposed and kind != AlarmKind.CAP else None


@transaction.atomic
def answer_alarm(alarm_id: UUID, *, text: str, by: Actor, at: datetime) -> HallAlarm:
    """
    Say what was done about an alarm; the first answer stands, it cannot be deleted.

    Raises NoAnswer without a text or for one answered already, access.NotAllowed, HallAlarm.DoesNotExist.
    """
    alarm = HallAlarm.objects.select_for_update(of=("self",), no_key=True).select_related("series").get(pk=alarm_id)
    access.require(by, "hall.manage", region=alarm.region_id)
    text = text.strip()
    if not text:
        raise NoAnswer(_("请写上做了什么，例如“已开 5 号窗口”。"))
    if len(text) > ANSWER_MAX:
        raise NoAnswer(_("请写得短一些，最多 %(n)s 个字。") % {"n": ANSWER_MAX})
    if alarm.answered_at is not None:
        raise NoAnswer(_("这条预警已经有人处理过了，请刷新看看。"))
    alarm.answer, alarm.answered_at = text, at
    alarm.answered_by = by  # type: ignore[assignment]
    alarm.save(update_fields=["answer", "answered_at", "answered_by"])
    data = {"kind": alarm.kind, "series": alarm.series.letter, "answer_length": len(text)}
    ledger.record(f"hall:{alarm.hall_id}", "hall.alarm_answered", region=alarm.region_id, by=by, at=at, data=data)
    return alarm


def _record(alarm: HallAlarm, line: Line, kind: str, by: Actor, at: datetime) -> None:
    data = {
        "alarm": str(alarm.pk),
        "kind": str(alarm.kind),
        "series": line.letter,
        "figure": alarm.figure,
        "window": line.proposed.number if line.proposed else None,
    }
    ledger.record(f"hall:{alarm.hall_id}", kind, region=alarm.region_id, by=by, at=at, data=data)
