"""The work calendar, and dated local rules."""

from __future__ import annotations

from django.db import models

from yimen.lib.ids import uuid7
from yimen.people.models import Region


class CalendarYear(models.Model):
    """A year whose days off have been announced, and the notice that says so (CAL-1)."""

    year = models.PositiveSmallIntegerField(primary_key=True)
    notice = models.CharField(max_length=200, blank=True)
    loaded_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return str(self.year)


class CalendarDay(models.Model):
    """
    A day somebody has spoken about: mostly one that is not what its weekday says (CAL-2).

    notice: the year of the official notice, "2026", or after LOCAL the reason of the person who set the day.
    """

    LOCAL = "本地："

    on = models.DateField(primary_key=True)
    is_workday = models.BooleanField()
    name = models.CharField(max_length=40)
    notice = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["on"]

    def __str__(self) -> str:
        return f"{self.on} {self.name}"

    @property
    def is_local(self) -> bool:
        """Set by hand; loading or announcing official days leaves it alone."""
        return self.notice.startswith(self.LOCAL)


class CalendarState(models.Model):
    """One row whose `version` a trigger renews with every change of the calendar, so that readers can keep a copy."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    version = models.UUIDField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="calendar_state_is_one_row")]


class LocalRule(models.Model):
    """A number a place may set, from a day on; the latest row not after the day asked for counts."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    key = models.CharField(max_length=60)
    value = models.IntegerField()
    effective_on = models.DateField()
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "key", "effective_on"], name="local_rule_once")]
