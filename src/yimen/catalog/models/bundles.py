"""一件事: several items offered as one matter, in their order (HALL-13, S3-22, S4-6); checkpoints of site visits."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from yimen.catalog.models.items import ItemVersion, ServiceItem
from yimen.lib.ids import uuid7
from yimen.people.models import Department, Region


class ServiceBundle(models.Model):
    """One matter of life or business; lead: the organ that answers for it. Its items stand in BundleItem."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    code = models.SlugField(max_length=40)
    name = models.CharField(_("一件事名称"), max_length=120)
    everyday_names = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    plain_text = models.TextField(_("大白话说明"), blank=True)
    lead = models.ForeignKey(Department, models.PROTECT, related_name="+")
    promised_limit = models.PositiveSmallIntegerField(_("全部办结的承诺工作日"), null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    is_demo = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "code"], name="bundle_code_once")]

    def __str__(self) -> str:
        return self.name


class BundleItem(models.Model):
    """
    One item of a bundle. after: keys of the items that must be granted first; when: options of the bundle's own
    questions that call for it, empty: always. feeds: {"<key of another item>": "<position of its material>"}: this
    item's result is that material, so nobody brings it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    bundle = models.ForeignKey(ServiceBundle, models.CASCADE, related_name="items")
    position = models.PositiveSmallIntegerField()
    key = models.SlugField(max_length=40)
    item = models.ForeignKey(ServiceItem, models.PROTECT, related_name="bundles")
    after = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    feeds = models.JSONField(default=dict, blank=True)
    is_optional = models.BooleanField(_("可以不办"), default=False)
    note = models.CharField(_("说明"), max_length=200, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["bundle", "key"], name="bundle_key_once"),
            models.UniqueConstraint(fields=["bundle", "item"], name="bundle_item_once"),
            models.UniqueConstraint(fields=["bundle", "position"], name="bundle_position_once"),
        ]


class CheckPoint(models.Model):
    """现场核查要点 of a version (S2-33): what is looked at on the spot; mandatory ones are never left open."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.ForeignKey(ItemVersion, models.CASCADE, related_name="check_points")
    position = models.PositiveSmallIntegerField()
    text = models.CharField(_("核查要点"), max_length=200)
    standard = models.CharField(_("合格标准"), max_length=300, blank=True)
    is_mandatory = models.BooleanField(_("必查"), default=True)
    needs_photo = models.BooleanField(_("要拍照"), default=False)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["version", "position"], name="check_point_position_once")]

    def __str__(self) -> str:
        return self.text
