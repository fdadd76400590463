"""Applying online: drafts, files handed in, and what applicant and handler write to each other."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from yimen.catalog.models import ItemMaterial, ItemVersion
from yimen.catalog.models.bundles import ServiceBundle
from yimen.lib.ids import uuid7
from yimen.people.models import Applicant, Region, Staff


class ApplicationDraft(models.Model):
    """
    草稿: an application as far as it was filled in, saved field by field; nothing typed is lost (S1-6, REL-19).

    forms_sealed: JSON by form key. edition: counts each saving, so that two tabs do not overwrite each other silently.
    case: what it became; a draft is kept until then or until its owner deletes it.
    bundle: set where he applies for several items at once (一件事); it becomes `bundle_case`, `version` is then only
    that of the first item, and plan says which: {"items": [keys of optional ones], "answers": {"<key>": ["q.o"…]},
    "editions": {"<key>": "<version id>"}}. files of it stand under the first item's line of the same name.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    applicant = models.ForeignKey(Applicant, models.PROTECT, related_name="drafts")
    version = models.ForeignKey(ItemVersion, models.PROTECT, related_name="+")
    chosen = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    forms_sealed = models.BinaryField(null=True, blank=True)
    step = models.CharField(max_length=20, default="questions")
    edition = models.PositiveIntegerField(default=1)
    made_at = models.DateTimeField()
    saved_at = models.DateTimeField()
    case = models.OneToOneField("Case", models.PROTECT, null=True, blank=True, related_name="draft")
    bundle = models.ForeignKey(ServiceBundle, models.PROTECT, null=True, blank=True, related_name="+")
    bundle_case = models.OneToOneField("BundleCase", models.PROTECT, null=True, blank=True, related_name="draft")
    plan = models.JSONField(default=dict, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(bundle=None, bundle_case=None) | models.Q(bundle__isnull=False, case=None),
                name="draft_of_one_kind",
            )
        ]
        indexes = [
            models.Index(
                fields=["region", "applicant", "saved_at"],
                condition=models.Q(case=None, deleted_at=None),
                name="draft_open",
            )
        ]

    @property
    def name(self) -> str:
        """What he applies for, in words."""
        return self.bundle.name if self.bundle else self.version.name

    @property
    def is_sent(self) -> bool:
        return self.case_id is not None or self.bundle_case_id is not None


class Upload(models.Model):
    """
    A file on its way or here. The file lies in the upload store under its own id; rows come after files (lesson 7).

    size: as announced; received: bytes that are here (resuming starts there). sha256, kind: found by us, not told.
    name_sealed: as the owner called it, it may name people. owner: ledger_ref of who sent it.
    """

    class State(models.TextChoices):
        COMING = "coming", _("正在上传")
        READY = "ready", _("已收到")
        REFUSED = "refused", _("没有通过检查")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    owner = models.CharField(max_length=80)
    draft = models.ForeignKey(ApplicationDraft, models.CASCADE, null=True, blank=True, related_name="uploads")
    case = models.ForeignKey("Case", models.PROTECT, null=True, blank=True, related_name="uploads")
    material = models.ForeignKey(ItemMaterial, models.PROTECT, null=True, blank=True, related_name="+")
    name_sealed = models.BinaryField()
    kind = models.CharField(max_length=20, blank=True)
    size = models.PositiveBigIntegerField()
    received = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.COMING)
    fault = models.CharField(max_length=200, blank=True)
    made_at = models.DateTimeField()
    ready_at = models.DateTimeField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["made_at"]
        indexes = [
            models.Index(fields=["region", "case"], name="upload_by_case"),
            models.Index(fields=["made_at"], condition=models.Q(case=None, removed_at=None), name="upload_loose"),
        ]


class CaseMessage(models.Model):
    """What applicant and handler write to each other about a case; text is sealed, it may say anything."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    case = models.ForeignKey("Case", models.CASCADE, related_name="messages")
    by_staff = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    text_sealed = models.BinaryField()
    uploads = models.ManyToManyField(Upload, blank=True, related_name="+")
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["at"]
        indexes = [models.Index(fields=["region", "case", "at"], name="case_message_by_case")]


class SavedFilter(models.Model):
    """A list somebody looks at often: of cases or tasks, under a name of his own; team: shown to his department."""

    class Place(models.TextChoices):
        CASES = "cases", _("办件列表")
        TASKS = "tasks", _("待办")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    staff = models.ForeignKey(Staff, models.CASCADE, related_name="filters")
    place = models.CharField(max_length=10, choices=Place.choices)
    name = models.CharField(max_length=40)
    values = models.JSONField(default=dict)
    is_shared = models.BooleanField(default=False)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["staff", "place", "name"], name="saved_filter_once")]

    @property
    def address(self) -> str:
        """The query of the list's address."""
        return urlencode(self.values)


class OpinionTemplate(models.Model):
    """常用意见: words for a step, offered to those who write opinions; staff empty: for the whole department."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    department = models.ForeignKey("people.Department", models.PROTECT, related_name="+")
    staff = models.ForeignKey(Staff, models.CASCADE, null=True, blank=True, related_name="+")
    act = models.CharField(max_length=20, help_text="passed, rejected, granted, refused, declined")
    title = models.CharField(max_length=40)
    text = models.TextField()

    class Meta:
        ordering = ["title"]
        constraints = [
            models.UniqueConstraint(
                fields=["department", "staff", "act", "title"], nulls_distinct=False, name="opinion_template_once"
            )
        ]
