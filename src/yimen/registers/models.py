"""Registers and, for those kept here as a copy, their entries. Owners and what is registered are sealed (SEC-44)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from yimen.lib.ids import uuid7
from yimen.people.models import Department, Region, Staff


class Register(models.Model):
    """
    登记簿: what an organ keeps, 不动产登记簿, 房产档案. code is stable; columns: what an entry says, [[key, words], …].

    refreshed_at: when the copy was last taken over; its age is said on every answer.
    """

    class Source(models.TextChoices):
        COPY = "copy", _("本系统里的副本")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    code = models.SlugField(max_length=40)
    name = models.CharField(max_length=60)
    department = models.ForeignKey(Department, models.PROTECT)
    source = models.CharField(max_length=10, choices=Source.choices, default=Source.COPY)
    columns = models.JSONField(default=list)
    refreshed_at = models.DateTimeField(null=True, blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    is_on = models.BooleanField(default=True)
    is_demo = models.BooleanField(default=False)

    class Meta:
        ordering = ["position", "name"]
        constraints = [models.UniqueConstraint(fields=["region", "code"], name="register_code_once")]

    def __str__(self) -> str:
        return self.name


class Entry(models.Model):
    """One entry of a copied register. owner_index: keyed blind index of the owner's identity number."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    register = models.ForeignKey(Register, models.CASCADE, related_name="entries")
    owner_index = models.BinaryField()
    owner_sealed = models.BinaryField()
    values_sealed = models.BinaryField()

    class Meta:
        indexes = [models.Index(fields=["region", "register", "owner_index"], name="entry_by_owner")]


class LookUp(models.Model):
    """Who looked somebody up, and what for: the words an auditor reads. Not whom: that stays with the case."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    staff = models.ForeignKey(Staff, models.PROTECT, related_name="+")
    purpose_sealed = models.BinaryField()
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["region", "staff", "at"], name="look_up_by_staff")]
