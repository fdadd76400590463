"""The day's tickets, their periods, and the skills that decide where one is called."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from yimen.cases.models import Case, PriorityGrant
from yimen.catalog.models import ServiceItem
from yimen.hall.models.places import Hall, Series, Window
from yimen.lib.ids import uuid7
from yimen.people.models import Applicant, Region, Staff


class Skill(models.Model):
    """专长: a ticket for one of its items is called only where whoever sits holds it (S0-23)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    name = models.CharField(max_length=40)
    items = models.ManyToManyField(ServiceItem, related_name="skills")

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["region", "name"], name="skill_name_once")]

    def __str__(self) -> str:
        return self.name


class StaffSkill(models.Model):
    """Who holds a skill, from which day to which."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    skill = models.ForeignKey(Skill, models.PROTECT, related_name="holders")
    staff = models.ForeignKey(Staff, models.PROTECT, related_name="skills")
    from_day = models.DateField()
    until_day = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["skill", "staff"], condition=models.Q(until_day=None), name="skill_held_once"
            )
        ]
        indexes = [models.Index(fields=["region", "staff"], name="skill_by_staff")]


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
    取号. number counts from 1 within (series, day) without gaps; label is what people read, A027. A ticket moved to
    another series keeps both: its letter is that of the series where it was taken, series the queue it stands in.

    taken_at never runs against number within a series. queue_at is the time it stands in the queue with: when it was
    taken, also after a transfer or a hold; an appointment's own time. called_at is the first call, announced_at the
    latest (a recall). A window holds at most one open (called or serving) ticket: the database sees to it.

    is_priority: called by the hall's policy before others, for its care class or its grant. only_window: moved to that
    one. skill: what whoever calls it must hold. pick: why it was called when it was. visit: the tickets of one person's
    visit share it. undo: what the latest verb changed, for a moment. id_index: keyed blind index of an identity number;
    name_sealed: who is called by name. checked: answers and missing papers of the check before. put_off_at: when its
    holder asked for more minutes, which one can once.

    Every change of status writes every index anew that is not partial, so there are no more than are read: the region
    goes with its hall and has neither an index nor a constraint of its own, which would lock one row for all.
    """

    class Care(models.TextChoices):
        OLD = "old", _("老年人")
        DISABLED = "disabled", _("残疾人")
        PREGNANT = "pregnant", _("孕妇")
        CHILD = "child", _("带婴幼儿")
        SOLDIER = "soldier", _("军人、退役军人、消防救援人员")

    class Status(models.TextChoices):
        WAITING = "waiting", _("等候")
        CALLED = "called", _("已叫号")
        SERVING = "serving", _("办理中")
        FINISHED = "finished", _("已办完")
        PASSED = "passed", _("已过号")
        HELD = "held", _("已挂起")
        LEFT = "left", _("已取消")

    class Source(models.TextChoices):
        KIOSK = "kiosk", _("自助取号机")
        DESK = "desk", _("导办台")
        WEB = "web", _("网上取号")
        API = "api", _("系统接口")
        APPOINTMENT = "booked", _("预约到场")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT, db_index=False, db_constraint=False)
    hall = models.ForeignKey(Hall, models.PROTECT, db_index=False)
    series = models.ForeignKey(Series, models.PROTECT, db_index=False)
    day = models.DateField()
    number = models.PositiveIntegerField()
    label = models.CharField(max_length=12)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    source = models.CharField(max_length=10, choices=Source.choices, default=Source.KIOSK)
    item = models.ForeignKey(ServiceItem, models.PROTECT, null=True, blank=True, db_index=False)
    applicant = models.ForeignKey(Applicant, models.PROTECT, null=True, blank=True, db_index=False)
    phone_last_four = models.CharField(max_length=4, blank=True)
    window = models.ForeignKey(Window, models.PROTECT, null=True, blank=True, related_name="tickets")
    served_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    case = models.ForeignKey(Case, models.PROTECT, null=True, blank=True, related_name="tickets", db_index=False)
    is_priority = models.BooleanField(default=False)
    care = models.CharField(max_length=10, choices=Care.choices, blank=True)
    grant = models.ForeignKey(PriorityGrant, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    skill = models.ForeignKey(Skill, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    only_window = models.ForeignKey(Window, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    visit = models.UUIDField(null=True, blank=True)
    id_index = models.BinaryField(null=True, blank=True)
    name_sealed = models.BinaryField(null=True, blank=True)
    checked = models.JSONField(null=True, blank=True)
    pick = models.JSONField(null=True, blank=True)
    undo = models.JSONField(null=True, blank=True)
    again_reason = models.CharField(max_length=120, blank=True, help_text="why a second visit was needed (S3-18)")
    queue_at = models.DateTimeField()
    taken_at = models.DateTimeField()
    called_at = models.DateTimeField(null=True, blank=True)
    announced_at = models.DateTimeField(null=True, blank=True)
    put_off_at = models.DateTimeField(null=True, blank=True)
    call_count = models.PositiveSmallIntegerField(default=0)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["region", "hall", "day", "label"], name="ticket_label_once"),
            models.UniqueConstraint(
                fields=["region", "window"],
                condition=models.Q(status__in=["called", "serving"]),
                name="one_open_ticket_per_window",
            ),
            models.UniqueConstraint(
                fields=["region", "visit"],
                condition=models.Q(status__in=["called", "serving"], visit__isnull=False),
                name="one_open_ticket_per_visit",
            ),
            models.UniqueConstraint(
                fields=["region", "series", "day", "id_index"],
                condition=models.Q(status__in=["waiting", "held"], id_index__isnull=False),
                name="one_waiting_ticket_per_person",
            ),
        ]
        indexes = [
            # The heads of each queue are the first entries: calling reads a few rows per series and class.
            models.Index(
                fields=["region", "series", "day", "is_priority", "queue_at", "number"],
                condition=models.Q(status="waiting"),
                name="ticket_waiting",
            ),
            models.Index(
                fields=["region", "only_window"],
                condition=models.Q(status="waiting", only_window__isnull=False),
                name="ticket_for_window",
            ),
            models.Index(fields=["region", "hall", "day", "announced_at"], name="ticket_announced"),
            models.Index(fields=["region", "visit"], condition=models.Q(visit__isnull=False), name="ticket_visit"),
            models.Index(fields=["applicant"], condition=models.Q(applicant__isnull=False), name="ticket_applicant"),
            models.Index(fields=["case"], condition=models.Q(case__isnull=False), name="ticket_case"),
            models.Index(fields=["grant"], condition=models.Q(grant__isnull=False), name="ticket_grant"),
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


class TicketPeriod(models.Model):
    """
    One row per state a ticket was in, with from and until: waiting, serving and idle figures come from these alone.

    window and staff: where it was called, served or held.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("等候")
        CALLED = "called", _("已叫号")
        SERVING = "serving", _("办理中")
        HELD = "held", _("挂起")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT, db_index=False, db_constraint=False)
    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="periods")
    state = models.CharField(max_length=10, choices=State.choices)
    window = models.ForeignKey(Window, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    staff = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    from_at = models.DateTimeField()
    until_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["region", "ticket"], condition=models.Q(until_at=None), name="one_state_per_ticket"
            )
        ]
        indexes = [
            models.Index(fields=["region", "from_at"], name="ticket_period_by_day"),
            models.Index(fields=["region", "window", "from_at"], name="ticket_period_by_window"),
        ]
