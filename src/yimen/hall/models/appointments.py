"""Appointments: plans make slots, slots hold a fixed number of places, campaigns add plans between two days."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from yimen.catalog.models import ServiceItem
from yimen.hall.models.places import Hall, Series, Window
from yimen.hall.models.tickets import Ticket
from yimen.lib.ids import uuid7
from yimen.people.models import Applicant, Region, Staff


class Channel(models.TextChoices):
    WEB = "web", _("网上")
    PHONE = "phone", _("电话")
    DESK = "desk", _("现场")
    KIOSK = "kiosk", _("自助机")
    API = "api", _("系统接口")


class Campaign(models.Model):
    """集中办理: items with extra slots between two days, for a season of demand (S0-2)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    hall = models.ForeignKey(Hall, models.PROTECT, related_name="campaigns")
    name = models.CharField(max_length=60)
    text = models.CharField(max_length=300, blank=True)
    items = models.ManyToManyField(ServiceItem, related_name="+")
    from_day = models.DateField()
    until_day = models.DateField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-from_day"]
        constraints = [
            models.CheckConstraint(condition=models.Q(until_day__gte=models.F("from_day")), name="campaign_lasts")
        ]

    def __str__(self) -> str:
        return self.name


class SlotPlan(models.Model):
    """
    号源模板: on which weekdays, from when to when, how many places every so many minutes.

    For the items named (none: every item of its series), at one window or with one person, or wherever the series is
    called. quotas: places by channel, {"web": 3}; a channel that is not named shares the rest. buffer_minutes: nothing
    is booked so close before a slot begins. party: how many people one booking may bring (group slots).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    hall = models.ForeignKey(Hall, models.PROTECT, related_name="slot_plans")
    name = models.CharField(max_length=60)
    series = models.ForeignKey(Series, models.PROTECT, related_name="slot_plans")
    items = models.ManyToManyField(ServiceItem, blank=True, related_name="+")
    window = models.ForeignKey(Window, models.PROTECT, null=True, blank=True, related_name="slot_plans")
    staff = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    campaign = models.ForeignKey(Campaign, models.PROTECT, null=True, blank=True, related_name="plans")
    weekdays = ArrayField(models.PositiveSmallIntegerField())
    begins = models.TimeField()
    ends = models.TimeField()
    minutes = models.PositiveSmallIntegerField(default=30)
    places = models.PositiveSmallIntegerField(default=2)
    quotas = models.JSONField(default=dict, blank=True)
    buffer_minutes = models.PositiveSmallIntegerField(default=30)
    party = models.PositiveSmallIntegerField(default=1)
    days_ahead = models.PositiveSmallIntegerField(default=14)
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True)
    is_on = models.BooleanField(default=True)
    made_until = models.DateField(null=True, blank=True, help_text="its slots are made through this day")

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=models.Q(ends__gt=models.F("begins")), name="slot_plan_lasts"),
            models.CheckConstraint(condition=models.Q(minutes__gte=5, places__gte=1), name="slot_plan_makes_slots"),
        ]
        indexes = [models.Index(fields=["region", "hall"], name="slot_plan_by_hall")]

    def __str__(self) -> str:
        return self.name


class Slot(models.Model):
    """
    号源: places at one time. taken counts held and booked people; the database lets it never pass places.

    taken_by: the same by channel.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    plan = models.ForeignKey(SlotPlan, models.PROTECT, related_name="slots")
    day = models.DateField()
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    places = models.PositiveSmallIntegerField()
    taken = models.PositiveSmallIntegerField(default=0)
    taken_by = models.JSONField(default=dict, blank=True)
    closed_reason = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["begins_at"]
        constraints = [
            models.UniqueConstraint(fields=["region", "plan", "begins_at"], name="slot_once"),
            models.CheckConstraint(condition=models.Q(taken__lte=models.F("places")), name="slot_not_overbooked"),
        ]
        indexes = [models.Index(fields=["region", "plan", "day"], name="slot_by_day")]


class Appointment(models.Model):
    """
    预约. HELD keeps a place for some minutes while somebody fills in the form; number is what he reads out.

    token: the address of its page. name and phone are sealed; phone_index is a keyed blind index. A moved one keeps
    its number: 48271093, 48271093-2. over_limit_by: who let it in beyond a quota, the buffer or a block, and why.
    """

    class Status(models.TextChoices):
        HELD = "held", _("占位中")
        BOOKED = "booked", _("已预约")
        ARRIVED = "arrived", _("已到场")
        SERVED = "served", _("已办")
        CANCELLED = "cancelled", _("已取消")
        MOVED = "moved", _("已改期")
        NO_SHOW = "no_show", _("未到")
        LAPSED = "lapsed", _("占位过时")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    hall = models.ForeignKey(Hall, models.PROTECT, related_name="appointments")
    slot = models.ForeignKey(Slot, models.PROTECT, related_name="appointments")
    item = models.ForeignKey(ServiceItem, models.PROTECT, null=True, blank=True, related_name="+")
    number = models.CharField(max_length=20, blank=True)
    token = models.CharField(max_length=43, unique=True)
    status = models.CharField(max_length=10, choices=Status.choices)
    channel = models.CharField(max_length=8, choices=Channel.choices)
    party = models.PositiveSmallIntegerField(default=1)
    applicant = models.ForeignKey(Applicant, models.PROTECT, null=True, blank=True, related_name="appointments")
    name_sealed = models.BinaryField(null=True, blank=True)
    phone_sealed = models.BinaryField(null=True, blank=True)
    phone_index = models.BinaryField(null=True, blank=True)
    note = models.CharField(max_length=120, blank=True)
    checked = models.JSONField(null=True, blank=True)
    hold_until = models.DateTimeField(null=True, blank=True)
    made_at = models.DateTimeField()
    booked_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True)
    over_limit_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    over_limit_reason = models.CharField(max_length=120, blank=True)
    end_reason = models.CharField(max_length=120, blank=True)
    excused_at = models.DateTimeField(null=True, blank=True, help_text="not counted as a no-show from then on")
    moved_to = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="moved_from")
    ticket = models.OneToOneField(Ticket, models.PROTECT, null=True, blank=True, related_name="appointment")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["region", "number"], condition=~models.Q(number=""), name="appointment_number_once"
            ),
            models.UniqueConstraint(
                fields=["region", "slot", "phone_index"],
                condition=models.Q(status="booked", phone_index__isnull=False),
                name="one_booking_a_slot_and_person",
            ),
        ]
        indexes = [
            models.Index(fields=["region", "slot", "status"], name="appointment_by_slot"),
            models.Index(fields=["region", "phone_index"], name="appointment_by_phone"),
            models.Index(fields=["hold_until"], condition=models.Q(status="held"), name="appointment_holds"),
            models.Index(fields=["region", "hall", "status"], name="appointment_by_hall"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def stream(self) -> str:
        return f"appointment:{self.pk}"


class WaitListEntry(models.Model):
    """
    候补: who wants a slot for an item between two days; a freed place is offered to the first for some minutes.

    offers: how many offers ran out unanswered; each puts him behind those with fewer.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("候补中")
        OFFERED = "offered", _("有号待确认")
        TAKEN = "taken", _("已约上")
        GONE = "gone", _("已放弃")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    hall = models.ForeignKey(Hall, models.PROTECT, related_name="+")
    item = models.ForeignKey(ServiceItem, models.PROTECT, related_name="+")
    from_day = models.DateField()
    until_day = models.DateField()
    token = models.CharField(max_length=43, unique=True)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.WAITING)
    applicant = models.ForeignKey(Applicant, models.PROTECT, null=True, blank=True, related_name="+")
    name_sealed = models.BinaryField()
    phone_sealed = models.BinaryField()
    phone_index = models.BinaryField()
    made_at = models.DateTimeField()
    offers = models.PositiveSmallIntegerField(default=0)
    offer = models.OneToOneField(Appointment, models.PROTECT, null=True, blank=True, related_name="offered_to")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["region", "item", "phone_index"],
                condition=models.Q(status__in=["waiting", "offered"]),
                name="one_wait_a_person_and_item",
            )
        ]
        indexes = [
            models.Index(
                fields=["region", "item", "offers", "made_at"],
                condition=models.Q(status="waiting"),
                name="wait_list_order",
            )
        ]
