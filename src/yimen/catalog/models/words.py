"""Words editors look after: everyday names for official ones, searches that found nothing, plain words for jargon."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from yimen.lib.ids import uuid7
from yimen.people.models import Region, Staff


class Synonym(models.Model):
    """
    What people say and what the catalogue calls it: 开饭馆 → 食品经营, 餐饮. region: empty for the shipped ones.

    is_mutual: each of the words finds the others too.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT, null=True, blank=True)
    word = models.CharField(_("大家怎么说"), max_length=40)
    means = ArrayField(models.CharField(max_length=60), verbose_name=_("目录里叫什么"))
    is_mutual = models.BooleanField(_("互相都能找到"), default=False)
    note = models.CharField(_("说明"), max_length=200, blank=True)

    class Meta:
        ordering = ["word"]
        constraints = [models.UniqueConstraint(fields=["region", "word"], nulls_distinct=False, name="synonym_once")]

    def __str__(self) -> str:
        return self.word


class SearchMiss(models.Model):
    """A search that found nothing, counted. Long numbers are masked before it is written: people type their own."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    text = models.CharField(max_length=60)
    count = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "text"], name="search_miss_once")]
        indexes = [models.Index(fields=["region", "-count"], name="search_miss_by_count")]


class Posting(models.Model):
    """
    Which published items of a region hold a search token, as of the last recount: their numbers (ServiceItem.place) in
    order, four bytes each, the least significant first. token "": all items, without their numbers.

    Items changed since have no number and are looked at one by one; a number nobody has any more is passed over.
    """

    region = models.ForeignKey(Region, models.CASCADE)
    token = models.TextField()
    items = models.IntegerField()
    places = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "token"], name="posting_once")]


class Inquiry(models.Model):
    """
    A question left on the portal because the catalogue had no answer. The telephone is sealed and may be empty.

    answer: what was told, and how; settled questions without an answer needed none.
    """

    class State(models.TextChoices):
        OPEN = "open", _("等回复")
        ANSWERED = "answered", _("已回复")
        SETTLED = "settled", _("不用回复")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    text = models.CharField(_("想办什么"), max_length=300)
    phone_sealed = models.BinaryField(null=True, blank=True)
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    answer = models.CharField(_("怎么回复的"), max_length=300, blank=True)
    closed_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["asked_at", "pk"]
        indexes = [models.Index(fields=["region", "state", "asked_at"], name="inquiry_by_state")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state="open", closed_at=None)
                | (~models.Q(state="open") & ~models.Q(closed_at=None)),
                name="inquiry_closed_once",
            )
        ]


class JargonWord(models.Model):
    """An official word and how to say it plainly, for the check of plain texts. region: empty for shipped ones."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT, null=True, blank=True)
    word = models.CharField(_("行话"), max_length=40)
    plain = models.CharField(_("大白话"), max_length=80)

    class Meta:
        ordering = ["word"]
        constraints = [models.UniqueConstraint(fields=["region", "word"], nulls_distinct=False, name="jargon_once")]
