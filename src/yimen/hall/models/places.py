"""Halls with their zones, series of numbers, windows, opening hours and facilities."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from yimen.catalog.models import ServiceItem
from yimen.lib.ids import uuid7
from yimen.people.models import Department, Region, ServiceCenter, Staff

# Whom special care may put first; Ticket.Care says the same in words.
CARES = ("old", "disabled", "pregnant", "child", "soldier")


def all_cares() -> list[str]:
    return list(CARES)


class Hall(models.Model):
    """
    大厅. How it calls is a policy of its own; who changes it leaves the old and the new one in the ledger.

    ratio: ordinary people for one with priority. cap: priority calls in a row at most, while ordinary people wait.
    ageing_minutes: how many minutes of waiting priority is worth. care_first: the kinds of care that have priority.
    margin_minutes: staff may sign in that long before opening and stay that long after (S3-15); keeps_hours: only then.
    wait_limit: minutes after which a wait raises an alarm (S3-18).
    join_code: what stands at the door for taking a number by phone; latitude and longitude in degrees, radius in m.
    """

    class Policy(models.TextChoices):
        STRICT = "strict", _("先来先叫")
        RATIO = "ratio", _("按比例穿插")
        AGEING = "ageing", _("按等候时间折算")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    center = models.ForeignKey(ServiceCenter, models.PROTECT, related_name="halls")
    code = models.SlugField(max_length=20)
    name = models.CharField(max_length=60)
    policy = models.CharField(max_length=10, choices=Policy.choices, default=Policy.RATIO)
    ratio = models.PositiveSmallIntegerField(default=3)
    ageing_minutes = models.PositiveSmallIntegerField(default=20)
    cap = models.PositiveSmallIntegerField(default=2)
    care_first = ArrayField(models.CharField(max_length=10), default=all_cares, blank=True)
    calls_by_itself = models.BooleanField(default=False, help_text="idle windows are given the next person")
    margin_minutes = models.PositiveSmallIntegerField(default=10)
    keeps_hours = models.BooleanField(default=True, help_text="windows open only around the opening hours")
    wait_limit = models.PositiveSmallIntegerField(default=30)
    join_code = models.CharField(max_length=8, blank=True)
    latitude = models.FloatField(null=True, blank=True)
    longitude = models.FloatField(null=True, blank=True)
    radius = models.PositiveIntegerField(default=1000)
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="merged")
    merged_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "code"], name="hall_code_once")]

    def __str__(self) -> str:
        return self.name


class HallZone(models.Model):
    """功能区: any number in a hall; windows and series stand in one (S3-20)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    hall = models.ForeignKey(Hall, models.PROTECT, related_name="zones")
    name = models.CharField(max_length=40)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "name"]
        constraints = [models.UniqueConstraint(fields=["region", "hall", "name"], name="zone_name_once")]

    def __str__(self) -> str:
        return self.name


class Series(models.Model):
    """
    A row of numbers with its own letter: 综合 A, 不动产 B.

    daily_cap: numbers given a day at most; warning_at: from this number on people are told that few are left.
    surge_at: so many waiting raise the alarm (S0-1).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    hall = models.ForeignKey(Hall, models.PROTECT, related_name="series")
    letter = models.CharField(max_length=2)
    name = models.CharField(max_length=40)
    zone = models.ForeignKey(HallZone, models.PROTECT, null=True, blank=True, related_name="series")
    items = models.ManyToManyField(ServiceItem, blank=True, related_name="series")
    position = models.PositiveSmallIntegerField(default=0)
    is_open = models.BooleanField(default=True)
    daily_cap = models.PositiveIntegerField(null=True, blank=True)
    warning_at = models.PositiveIntegerField(null=True, blank=True)
    surge_at = models.PositiveSmallIntegerField(default=31)

    class Meta:
        ordering = ["position", "letter"]
        constraints = [models.UniqueConstraint(fields=["region", "hall", "letter"], name="series_letter_once")]

    def __str__(self) -> str:
        return f"{self.letter} {self.name}"


class Window(models.Model):
    """
    窗口. run: what the policy remembers of its latest calls: -2 two with priority in a row, 3 three ordinary ones since
    the last with priority, None nothing yet.
    """

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
    zone = models.ForeignKey(HallZone, models.PROTECT, null=True, blank=True, related_name="windows")
    series = models.ManyToManyField(Series, related_name="windows")
    staff = models.OneToOneField(Staff, models.PROTECT, null=True, blank=True, related_name="window")
    opened_at = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True, help_text="nobody sits there for a while; see WindowPause")
    run = models.SmallIntegerField(null=True, blank=True)

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


class WindowSession(models.Model):
    """From when to when somebody was signed in at a window: idle time is this less calls, service and pauses."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    window = models.ForeignKey(Window, models.PROTECT, related_name="sessions")
    staff = models.ForeignKey(Staff, models.PROTECT, related_name="+")
    from_at = models.DateTimeField()
    until_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["region", "window"], condition=models.Q(until_at=None), name="one_session_per_window"
            )
        ]
        indexes = [models.Index(fields=["region", "from_at"], name="window_session_by_day")]


class OpeningTime(models.Model):
    """
    When a hall, or one window of it, is open: on a weekday (1 Monday … 7 Sunday), or on one day in its place.

    A break is the gap between two rows of a day. kind EXTENDED: 延时服务 (HALL-7). A day with no times is shut, and so
    is a window on a weekday with no times of its own.
    """

    class Kind(models.TextChoices):
        REGULAR = "regular", _("正常办公")
        EXTENDED = "extended", _("延时服务")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    hall = models.ForeignKey(Hall, models.PROTECT, related_name="opening_times")
    window = models.ForeignKey(Window, models.PROTECT, null=True, blank=True, related_name="opening_times")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.REGULAR)
    weekday = models.PositiveSmallIntegerField(null=True, blank=True)
    day = models.DateField(null=True, blank=True)
    opens = models.TimeField(null=True, blank=True)
    closes = models.TimeField(null=True, blank=True)
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["day", "weekday", "opens"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(weekday__range=(1, 7), day=None) | models.Q(weekday=None, day__isnull=False),
                name="opening_weekday_or_day",
            ),
            models.CheckConstraint(
                condition=models.Q(opens__isnull=False, closes__isnull=False, closes__gt=models.F("opens"))
                | models.Q(opens=None, closes=None, day__isnull=False)
                | models.Q(opens=None, closes=None, window__isnull=False),
                name="opening_before_closing",
            ),
        ]
        indexes = [models.Index(fields=["region", "hall"], name="opening_by_hall")]


class Closure(models.Model):
    """停办: a hall or one window is shut for a while, with the reason people are told."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    hall = models.ForeignKey(Hall, models.PROTECT, related_name="closures")
    window = models.ForeignKey(Window, models.PROTECT, null=True, blank=True, related_name="closures")
    from_at = models.DateTimeField()
    until_at = models.DateTimeField()
    reason = models.CharField(max_length=120)
    ended_at = models.DateTimeField(null=True, blank=True, help_text="taken back")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(until_at__gt=models.F("from_at")), name="closure_lasts")
        ]
        indexes = [models.Index(fields=["region", "hall", "until_at"], name="closure_by_hall")]


class Facility(models.Model):
    """便民设施: hot water, copier, mother-and-baby room … where it is, and whether it works (S4-36)."""

    class Kind(models.TextChoices):
        WATER = "water", _("饮用水")
        COPY = "copy", _("复印打印")
        PC = "pc", _("自助电脑")
        CHARGE = "charge", _("手机充电")
        GLASSES = "glasses", _("老花镜")
        WHEELCHAIR = "wheelchair", _("轮椅")
        NURSING = "nursing", _("母婴室")
        TOILET = "toilet", _("卫生间")
        FIRST_AID = "first_aid", _("急救箱")
        UMBRELLA = "umbrella", _("雨伞")
        PARKING = "parking", _("停车")
        LIFT = "lift", _("电梯、坡道")
        OTHER = "other", _("其他")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    hall = models.ForeignKey(Hall, models.PROTECT, related_name="facilities")
    zone = models.ForeignKey(HallZone, models.PROTECT, null=True, blank=True, related_name="facilities")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    name = models.CharField(max_length=40)
    place = models.CharField(max_length=80, blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    works = models.BooleanField(default=True)
    note = models.CharField(max_length=120, blank=True)
    ended_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["position", "name"]
        indexes = [models.Index(fields=["region", "hall"], name="facility_by_hall")]
