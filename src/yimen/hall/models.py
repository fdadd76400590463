"""Halls with zones, windows, series and the day's tickets."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from yimen.cases.models import Case
from yimen.catalog.models import ServiceItem
from yimen.lib.ids import uuid7
from yimen.people.models import Applicant, Department, Region, ServiceCenter, Staff


class Hall(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    center = models.ForeignKey(ServiceCenter, models.PROTECT, related_name="halls")
    code = models.SlugField(max_length=20)
    name = models.CharField(max_length=60)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "code"], name="hall_code_once")]

    def __str__(self) -> str:
        return self.name


class Series(models.Model):
    """A row of numbers with its own letter: 综合 A, 不动产 B."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    hall = models.ForeignKey(Hall, models.PROTECT, related_name="series")
    letter = models.CharField(max_length=2)
    name = models.CharField(max_length=40)
    zone = models.CharField(max_length=40, blank=True)
    items = models.ManyToManyField(ServiceItem, blank=True, related_name="series")
    position = models.PositiveSmallIntegerField(default=0)
    is_open = models.BooleanField(default=True)

    class Meta:
        ordering = ["position", "letter"]
        constraints = [models.UniqueConstraint(fields=["region", "hall", "letter"], name="series_letter_once")]

    def __str__(self) -> str:
        return f"{self.letter} {self.name}"


class Window(models.Model):
    class Kind(models.TextChoices):
        INTEGRATED = "integrated", _("综合窗口")
        SPECIALIST = "specialist", _("专业窗口")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    hall = models.ForeignKey(Hall, models.PROTECT, related_name="windows")
    number = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=60)
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.INTEGRATED)
    department = models.ForeignKey(Department, models.PROTECT, null=True, blank=True)
    series = models.ManyToManyField(Series, related_name="windows")
    staff = models.OneToOneField(Staff, models.PROTECT, null=True, blank=True, related_name="window")
    opened_at = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True, help_text="nobody sits there for a while; see WindowPause")

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["region", "hall", "number"], name="window_number_once")]

    def __str__(self) -> str:
        return self.name


class WindowPause(models.Model):
    """
    暂离: from when to when the person of a window was away, why, and who stood in (HALL-6).

    by_window: the stand-in's own window, which calls this one's queues meanwhile; empty when he sits down here, or
    when nobody stands in.
    """

    class Reason(models.TextChoices):
        BREAK = "break", _("短暂离开")
        MEAL = "meal", _("用餐")
        MEETING = "meeting", _("开会、培训")
        ERRAND = "errand", _("外出办事")
        UNWELL = "unwell", _("身体不适")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    window = models.ForeignKey(Window, models.PROTECT, related_name="pauses")
    staff = models.ForeignKey(Staff, models.PROTECT, related_name="+")
    reason = models.CharField(max_length=10, choices=Reason.choices)
    stand_in = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    by_window = models.ForeignKey(Window, models.PROTECT, null=True, blank=True, related_name="+")
    cover = models.ForeignKey("people.PostCover", models.PROTECT, null=True, blank=True, related_name="+")
    from_at = models.DateTimeField()
    until_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["region", "window"], condition=models.Q(until_at=None), name="one_running_pause_per_window"
            )
        ]
        indexes = [
            models.Index(fields=["region", "from_at"], name="window_pause_by_day"),
            models.Index(fields=["by_window"], condition=models.Q(until_at=None), name="window_pause_covered"),
        ]

    @property
    def minutes(self) -> int:
        """Whole minutes the pause took; 0 while it runs."""
        return int((self.until_at - self.from_at).total_seconds()) // 60 if self.until_at else 0


class TicketCounter(models.Model):
    """The last number given for a series on a day, and its time; never count + 1."""

    region = models.ForeignKey(Region, models.PROTECT)
    series = models.ForeignKey(Series, models.PROTECT)
    day = models.DateField()
    value = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "series", "day"], name="ticket_counter_once")]


class Ticket(models.Model):
    """
    取号. number counts from 1 within (series, day) without gaps; label is what people read, A027.

    taken_at never runs against number within a series. called_at is the first call, announced_at the latest
    (a recall). A window holds at most one open (called or serving) ticket: the database sees to it.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("等候")
        CALLED = "called", _("已叫号")
        SERVING = "serving", _("办理中")
        FINISHED = "finished", _("已办完")
        PASSED = "passed", _("已过号")

    class Source(models.TextChoices):
        KIOSK = "kiosk", _("自助取号机")
        DESK = "desk", _("导办台")
        WEB = "web", _("网上取号")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    hall = models.ForeignKey(Hall, models.PROTECT)
    series = models.ForeignKey(Series, models.PROTECT)
    day = models.DateField()
    number = models.PositiveIntegerField()
    label = models.CharField(max_length=12)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    source = models.CharField(max_length=10, choices=Source.choices, default=Source.KIOSK)
    item = models.ForeignKey(ServiceItem, models.PROTECT, null=True, blank=True)
    applicant = models.ForeignKey(Applicant, models.PROTECT, null=True, blank=True)
    phone_last_four = models.CharField(max_length=4, blank=True)
    window = models.ForeignKey(Window, models.PROTECT, null=True, blank=True, related_name="tickets")
    served_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    case = models.ForeignKey(Case, models.PROTECT, null=True, blank=True, related_name="tickets")
    taken_at = models.DateTimeField()
    called_at = models.DateTimeField(null=True, blank=True)
    announced_at = models.DateTimeField(null=True, blank=True)
    call_count = models.PositiveSmallIntegerField(default=0)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["region", "series", "day", "number"], name="ticket_number_once"),
            models.UniqueConstraint(
                fields=["region", "window"],
                condition=models.Q(status__in=["called", "serving"]),
                name="one_open_ticket_per_window",
            ),
        ]
        indexes = [
            # The head of each queue is the first entry: calling reads one row per series.
            models.Index(
                fields=["region", "series", "day", "taken_at", "number"],
                condition=models.Q(status="waiting"),
                name="ticket_waiting",
            ),
            models.Index(fields=["region", "hall", "day", "announced_at"], name="ticket_announced"),
            models.Index(
                fields=["region", "series", "finished_at"],
                condition=models.Q(status="finished"),
                name="ticket_finished",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def stream(self) -> str:
        return f"ticket:{self.pk}"
