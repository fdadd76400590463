"""Power lists (权力清单), what entered the hall, and delegations (授权)."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from yimen.catalog.models.items import ItemType, ServiceItem
from yimen.lib.ids import uuid7
from yimen.people.models import Department, Post, Region, ServiceCenter, ServicePoint, Staff


class PowerList(models.Model):
    """
    权力清单 of a place: one edition. The published one with the latest `effective_on` not after a day is in force
    that day (ITEM-22). Published editions are not edited.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    number = models.PositiveIntegerField(_("第几版"))
    name = models.CharField(_("名称"), max_length=120)
    effective_on = models.DateField(_("生效日期"), null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    note = models.TextField(_("说明"), blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["region", "number"], name="power_list_once"),
            models.UniqueConstraint(
                fields=["region"], condition=models.Q(published_at=None), name="one_draft_power_list"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.number}"


class PowerEntry(models.Model):
    """
    One power in one edition. code: what items name as their basic code; level: 行使层级 (ITEM-8), "1" to "7".
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    power_list = models.ForeignKey(PowerList, models.CASCADE, related_name="entries")
    department = models.ForeignKey(Department, models.PROTECT, null=True, blank=True)
    code = models.CharField(_("编码"), max_length=40)
    name = models.CharField(_("职权名称"), max_length=300)
    power_type = models.CharField(_("类型"), max_length=2, choices=ItemType.choices)
    level = models.CharField(_("行使层级"), max_length=1, blank=True)
    legal_basis = models.TextField(_("设定依据"), blank=True)
    duties = models.TextField(_("责任事项"), blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["power_list", "code"], name="power_code_once")]
        indexes = [models.Index(fields=["power_list", "department"], name="power_by_department")]

    def __str__(self) -> str:
        return self.name


class PowerBatch(models.Model):
    """一批取消和下放 (S2-26): a numbered, dated change; applied, it is part of the edition `applied_to`."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    number = models.PositiveIntegerField(_("批次"))
    on = models.DateField(_("日期"))
    document_no = models.CharField(_("文号"), max_length=80)
    applied_to = models.ForeignKey(PowerList, models.PROTECT, null=True, blank=True, related_name="batches")

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["region", "number"], name="power_batch_once")]


class PowerBatchLine(models.Model):
    """One power of a batch: cancelled, or handed down to whom."""

    class Action(models.TextChoices):
        CANCEL = "cancel", _("取消")
        DELEGATE = "delegate", _("下放")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    batch = models.ForeignKey(PowerBatch, models.CASCADE, related_name="lines")
    code = models.CharField(_("编码"), max_length=40)
    name = models.CharField(_("职权名称"), max_length=300)
    action = models.CharField(max_length=10, choices=Action.choices)
    to = models.CharField(_("下放给"), max_length=120, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "code"], name="batch_line_once")]


class HallEntry(models.Model):
    """
    进驻: an item handled at a centre from a day on. elsewhere: a second counter of the unit (两头受理), "" none.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    item = models.ForeignKey(ServiceItem, models.CASCADE, related_name="entries")
    center = models.ForeignKey(ServiceCenter, models.PROTECT)
    entered_on = models.DateField(_("进驻日期"))
    left_on = models.DateField(_("撤出日期"), null=True, blank=True)
    elsewhere = models.CharField(_("还在哪里受理"), max_length=160, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["item", "center"], condition=models.Q(left_on=None), name="item_entered_once"
            )
        ]
        indexes = [models.Index(fields=["center", "entered_on"], name="entry_by_center")]


class Delegation(models.Model):
    """
    授权: a unit's letter that lets a post (in the hall or at a service point) act for an item (S0-11, S1-35, S4-35).

    acts: kinds of flow steps it may do ("receive", "accept", "review", "decide" …). It counts from `from_on` to
    `until_on` inclusive (empty: no end) unless revoked.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    item = models.ForeignKey(ServiceItem, models.CASCADE, related_name="delegations")
    post = models.ForeignKey(Post, models.PROTECT, null=True, blank=True)
    point = models.ForeignKey(ServicePoint, models.PROTECT, null=True, blank=True, related_name="delegations")
    acts = ArrayField(models.CharField(max_length=10))
    letter_no = models.CharField(_("授权书文号"), max_length=80)
    signed_by = models.CharField(_("签发人"), max_length=60)
    from_on = models.DateField(_("生效日期"))
    until_on = models.DateField(_("到期日期"), null=True, blank=True)
    revoked_on = models.DateField(_("撤销日期"), null=True, blank=True)
    entered_by = models.ForeignKey(Staff, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(post__isnull=False) | models.Q(point__isnull=False), name="delegated_to_somebody"
            ),
            models.CheckConstraint(
                condition=models.Q(until_on=None) | models.Q(until_on__gte=models.F("from_on")),
                name="delegation_has_a_length",
            ),
        ]
        indexes = [models.Index(fields=["item", "from_on"], name="delegation_by_item")]
