"""What managers watch: alarms of the hall, guides and their help."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from yimen.hall.models.places import Hall, Series, Window
from yimen.hall.models.screens import Kiosk
from yimen.hall.models.tickets import Ticket
from yimen.lib.ids import uuid7
from yimen.people.models import Region, Staff


class HallAlarm(models.Model):
    """
    预警: a surge (S0-1), a wait over the limit (S3-18), a series near its daily cap; ends by itself when it is over.

    figure: people waiting, minutes waited or numbers given. proposed: the window to open. Never deleted, only answered.
    """

    class Kind(models.TextChoices):
        SURGE = "surge", _("人多")
        WAIT = "wait", _("等得太久")
        CAP = "cap", _("号快取完")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    hall = models.ForeignKey(Hall, models.PROTECT, related_name="alarms")
    series = models.ForeignKey(Series, models.PROTECT, related_name="alarms")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    figure = models.PositiveIntegerField()
    proposed = models.ForeignKey(Window, models.PROTECT, null=True, blank=True, related_name="+")
    raised_at = models.DateTimeField()
    answered_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)
    answer = models.CharField(max_length=120, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["region", "series", "kind"], condition=models.Q(ended_at=None), name="one_alarm_of_a_kind"
            )
        ]
        indexes = [models.Index(fields=["region", "hall", "raised_at"], name="hall_alarm_by_day")]


class GuideDuty(models.Model):
    """导办值班: who guides people in a hall, from when to when."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    hall = models.ForeignKey(Hall, models.PROTECT, related_name="guide_duties")
    staff = models.ForeignKey(Staff, models.PROTECT, related_name="+")
    place = models.CharField(max_length=40, blank=True)
    from_at = models.DateTimeField()
    until_at = models.DateTimeField()

    class Meta:
        ordering = ["from_at"]
        constraints = [
            models.CheckConstraint(condition=models.Q(until_at__gt=models.F("from_at")), name="guide_duty_lasts")
        ]
        indexes = [models.Index(fields=["region", "hall", "from_at"], name="guide_duty_by_day")]


class GuideHelp(models.Model):
    """帮助记录: what a guide did for somebody; may be rated on its own (S0-27). No names."""

    class Kind(models.TextChoices):
        TICKET = "ticket", _("帮助取号")
        FORM = "form", _("帮助填表")
        PAPERS = "papers", _("预审材料")
        WAY = "way", _("带路")
        COMPANY = "company", _("全程陪办")
        OTHER = "other", _("其他")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    hall = models.ForeignKey(Hall, models.PROTECT, related_name="+")
    staff = models.ForeignKey(Staff, models.PROTECT, related_name="+")
    ticket = models.ForeignKey(Ticket, models.PROTECT, null=True, blank=True, related_name="helps")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    note = models.CharField(max_length=120, blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["region", "hall", "at"], name="guide_help_by_day")]


class GuideCall(models.Model):
    """请导办员来: somebody asked for a guide at a kiosk or a place in the hall, and who went. No names."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    hall = models.ForeignKey(Hall, models.PROTECT, related_name="+")
    kiosk = models.ForeignKey(Kiosk, models.PROTECT, null=True, blank=True, related_name="calls")
    asked_at = models.DateTimeField()
    answered_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["asked_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["region", "hall", "kiosk"],
                condition=models.Q(answered_at=None),
                name="one_open_guide_call",
            )
        ]
        indexes = [models.Index(fields=["region", "hall", "asked_at"], name="guide_call_by_day")]
