"""What stands in the hall: screens, kiosks, printers, and the notices shown there."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from yimen.hall.models.places import Hall, HallZone, Series, Window
from yimen.hall.models.tickets import Ticket
from yimen.lib.ids import uuid7
from yimen.people.models import Region, Staff


class Screen(models.Model):
    """
    显示屏: a hall's, a zone's, a window's or several halls' board; code stands in its address.

    language: how it speaks, a BCP 47 tag; speech: the sentence to say, with {label} and {window} (empty: the usual
    one). second_*: the same again for a dialect or another language. volume, quiet_volume: percent; the latter counts
    from quiet_from until quiet_until, which may pass midnight.
    """

    class Layout(models.TextChoices):
        HALL = "hall", _("大厅屏")
        ZONE = "zone", _("分区屏")
        WINDOW = "window", _("窗口屏")
        HALLS = "halls", _("多大厅屏")
        NOTICES = "notices", _("公告屏")
        MAP = "map", _("窗口分布图")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    code = models.SlugField(max_length=20)
    name = models.CharField(max_length=40)
    layout = models.CharField(max_length=8, choices=Layout.choices)
    hall = models.ForeignKey(Hall, models.PROTECT, related_name="screens")
    zone = models.ForeignKey(HallZone, models.PROTECT, null=True, blank=True, related_name="screens")
    window = models.ForeignKey(Window, models.PROTECT, null=True, blank=True, related_name="screens")
    halls = models.ManyToManyField(Hall, blank=True, related_name="+")
    high_contrast = models.BooleanField(default=False)
    speaks = models.BooleanField(default=True)
    repeats = models.PositiveSmallIntegerField(default=2)
    language = models.CharField(max_length=12, default="zh-CN")
    speech = models.CharField(max_length=120, blank=True)
    second_language = models.CharField(max_length=12, blank=True)
    second_speech = models.CharField(max_length=120, blank=True)
    volume = models.PositiveSmallIntegerField(default=100)
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    quiet_volume = models.PositiveSmallIntegerField(default=30)
    shows_notices = models.BooleanField(default=True)
    shows_openings = models.BooleanField(default=True)
    shows_figures = models.BooleanField(default=True)
    is_on = models.BooleanField(default=True)

    class Meta:
        ordering = ["code"]
        constraints = [models.UniqueConstraint(fields=["region", "code"], name="screen_code_once")]

    def __str__(self) -> str:
        return self.name


class Notice(models.Model):
    """公告: shown on screens, kiosks and the page of the hall between two days; policy notices at windows (S4-37)."""

    class Kind(models.TextChoices):
        PUBLIC = "public", _("通知公告")
        POLICY = "policy", _("政策宣传")
        FIVE_OPENINGS = "openings", _("五公开")
        SAFETY = "safety", _("安全提示")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT, related_name="+")
    hall = models.ForeignKey(Hall, models.PROTECT, null=True, blank=True, related_name="notices")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.PUBLIC)
    title = models.CharField(max_length=60)
    text = models.TextField(max_length=600)
    windows = models.ManyToManyField(Window, blank=True, related_name="notices")
    from_day = models.DateField()
    until_day = models.DateField()
    seconds = models.PositiveSmallIntegerField(default=15)
    position = models.PositiveSmallIntegerField(default=0)
    made_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position", "-from_day"]
        constraints = [
            models.CheckConstraint(condition=models.Q(until_day__gte=models.F("from_day")), name="notice_lasts")
        ]
        indexes = [models.Index(fields=["region", "hall", "until_day"], name="notice_by_hall")]

    def __str__(self) -> str:
        return self.title


class Printer(models.Model):
    """
    取号机的热敏打印机: ESC/POS over the network (target host:port) or into a file or device (target a path).

    fault: what the latest slip failed with, in a sentence for staff; empty when it came out. fault_at: since when.
    """

    class Kind(models.TextChoices):
        NETWORK = "network", _("网络打印机")
        FILE = "file", _("文件或设备")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    hall = models.ForeignKey(Hall, models.PROTECT, related_name="printers")
    name = models.CharField(max_length=40)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    target = models.CharField(max_length=120)
    width = models.PositiveSmallIntegerField(default=576, help_text="dots across the paper: 576 on 80 mm, 384 on 58 mm")
    is_on = models.BooleanField(default=True)
    fault = models.CharField(max_length=80, blank=True)
    fault_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class Kiosk(models.Model):
    """
    自助机: code stands in its address; back to the start after idle_seconds; series: those it offers (none: all).

    place: where it stands, told to a guide who is called there. last_seen_at: to the minute.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    hall = models.ForeignKey(Hall, models.PROTECT, related_name="kiosks")
    code = models.SlugField(max_length=20)
    name = models.CharField(max_length=40)
    series = models.ManyToManyField(Series, blank=True, related_name="+")
    printer = models.ForeignKey(Printer, models.PROTECT, null=True, blank=True, related_name="kiosks")
    idle_seconds = models.PositiveSmallIntegerField(default=60)
    place = models.CharField(max_length=40, blank=True)
    is_on = models.BooleanField(default=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["code"]
        constraints = [models.UniqueConstraint(fields=["region", "code"], name="kiosk_code_once")]

    def __str__(self) -> str:
        return self.name


class SlipPrint(models.Model):
    """
    打印一张小票: sent to a printer once, never again by itself. ticket None: a test page. asked_by None: the kiosk.

    done_at None: on its way, or the process ended meanwhile; fault: why it did not come out.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    printer = models.ForeignKey(Printer, models.PROTECT, related_name="slips")
    ticket = models.ForeignKey(Ticket, models.PROTECT, null=True, blank=True, related_name="slips")
    asked_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    asked_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    fault = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ["-asked_at"]
        indexes = [models.Index(fields=["region", "ticket", "asked_at"], name="slip_by_ticket")]

    @property
    def has_failed(self) -> bool:
        return bool(self.fault)
