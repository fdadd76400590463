"""Rules a centre works by (制度文件), each with its editions; older ones stay readable (S3-36)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from yimen.lib.ids import uuid7
from yimen.people.models import Department, Region, Staff


class Document(models.Model):
    """
    制度文件: a rule by its number. What it says is in its editions.

    department: who looks after it; is_public: anybody may read the edition in force on the portal.
    """

    class Kind(models.TextChoices):
        RULE = "rule", _("管理制度")
        STANDARD = "standard", _("服务标准")
        PROMISE = "promise", _("服务承诺")
        DUTY = "duty", _("岗位职责")
        PROCEDURE = "procedure", _("工作规程")
        OTHER = "other", _("其他")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    department = models.ForeignKey(Department, models.PROTECT)
    number = models.CharField(_("文件编号"), max_length=40)
    title = models.CharField(_("名称"), max_length=120)
    kind = models.CharField(_("种类"), max_length=12, choices=Kind.choices)
    is_public = models.BooleanField(_("在门户上公开"), default=False)
    repealed_on = models.DateField(_("废止日期"), null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "number"], name="document_number_once")]
        indexes = [models.Index(fields=["region", "kind", "number"], name="document_by_kind")]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"

    @property
    def stream(self) -> str:
        return f"document:{self.pk}"


class DocumentEdition(models.Model):
    """
    One version of a rule. Approved ones are not edited: the one in force on a day is the approved one with the latest
    `effective_on` not after it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    document = models.ForeignKey(Document, models.PROTECT, related_name="editions")
    number = models.PositiveIntegerField(_("第几版"))
    text = models.TextField(_("正文"))
    change = models.CharField(_("这一版改了什么"), max_length=300, blank=True)
    effective_on = models.DateField(_("生效日期"))
    drafted_by = models.ForeignKey(Staff, models.PROTECT, null=True, related_name="+")
    drafted_at = models.DateTimeField()
    approved_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    approved_at = models.DateTimeField(_("批准时间"), null=True, blank=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["document", "number"], name="document_edition_once"),
            models.UniqueConstraint(
                fields=["document"], condition=models.Q(approved_at=None), name="one_draft_document_edition"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.document} v{self.number}"

    @property
    def is_approved(self) -> bool:
        return self.approved_at is not None
