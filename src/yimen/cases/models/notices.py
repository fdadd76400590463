"""The documents a case gives out, the words they are made of, their seals; the archive of a finished case."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from yimen.catalog.models import ServiceItem
from yimen.certificates.models import ESeal
from yimen.lib.ids import uuid7
from yimen.people.models import Region, Staff


class Notice(models.Model):
    """
    A numbered document given to the applicant (LAW-6); the PDF is drawn from `data`, which never changes.

    verify_code: printed on it, so that anybody can check it is real (CERT-11). Kinds in ONCE exist once a case.
    wants_seal: nobody has looked yet whether an electronic seal goes on it (actions.sealing).
    """

    class Kind(models.TextChoices):
        RECEIPT = "receipt", _("收件凭证")
        ACCEPTANCE = "acceptance", _("受理通知书")
        DECLINE = "decline", _("不予受理决定书")
        DECISION = "decision", _("行政决定书")
        CORRECTION = "correction", _("补正告知书")
        SUPPLEMENT = "supplement", _("补办件通知书")
        COMMITMENT = "commitment", _("告知承诺书")
        STOP = "stop", _("特别程序告知书")
        EXTENSION = "extension", _("延长审批期限告知书")
        HEARING_RIGHT = "hearing_right", _("听证权利告知书")
        HEARING = "hearing", _("听证通知书")
        VISIT = "visit", _("现场核查通知书")
        VISIT_RECORD = "visit_record", _("现场核查记录")
        TRANSFER = "transfer", _("转办告知书")
        FEE = "fee", _("缴费通知单")
        WITHDRAWAL = "withdrawal", _("撤回申请确认书")
        DELIVERY = "delivery", _("送达回证")
        REVOCATION = "revocation", _("撤销决定书")

    ONCE = (Kind.RECEIPT, Kind.ACCEPTANCE, Kind.DECLINE, Kind.DECISION, Kind.CORRECTION, Kind.WITHDRAWAL, Kind.DELIVERY)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    case = models.ForeignKey("Case", models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    number = models.CharField(max_length=60)
    verify_code = models.CharField(max_length=20)
    issued_at = models.DateTimeField()
    data = models.JSONField()
    template = models.ForeignKey("NoticeTemplate", models.PROTECT, null=True, blank=True, related_name="+")
    wants_seal = models.BooleanField(default=True)

    class Meta:
        ordering = ["issued_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["region", "case", "kind"],
                condition=models.Q(
                    kind__in=[
                        *("receipt", "acceptance", "decline", "decision"),
                        *("correction", "withdrawal", "delivery"),
                    ]
                ),
                name="notice_once_per_kind",
            ),
            models.UniqueConstraint(fields=["region", "number"], name="notice_number_once"),
            models.UniqueConstraint(fields=["region", "verify_code"], name="verify_code_once"),
        ]
        indexes = [
            models.Index(fields=["region", "case", "issued_at"], name="notice_by_case"),
            models.Index(fields=["region", "issued_at"], name="notice_by_day"),
            models.Index(fields=["id"], condition=models.Q(wants_seal=True), name="notice_wants_seal"),
        ]

    @property
    def is_sealed(self) -> bool:
        """Whether its signed file is stored; read with select_related("signed")."""
        signed = getattr(self, "signed", None)
        return signed is not None and signed.signed_at is not None


class NoticeTemplate(models.Model):
    """
    The words of one kind of document in one edition: what a place may say differently, never what the law wants said.

    parts: {"opening": […paragraphs], "closing": […]…} with {placeholders} (documents.wording lists them); what is left
    out is as the standard says. Editions are drafts until somebody else approves them; the newest approved one whose
    day has come is used. change: what is different, for whoever approves.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    kind = models.CharField(max_length=16, choices=Notice.Kind.choices)
    number = models.PositiveIntegerField()
    parts = models.JSONField(default=dict)
    change = models.CharField(max_length=300, blank=True)
    effective_on = models.DateField()
    written_by = models.ForeignKey(Staff, models.PROTECT, related_name="+")
    written_at = models.DateTimeField()
    approved_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["kind", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["region", "kind", "number"], name="template_number_once"),
            models.UniqueConstraint(
                fields=["region", "kind"], condition=models.Q(approved_at=None), name="template_draft_once"
            ),
        ]

    @property
    def is_approved(self) -> bool:
        return self.approved_at is not None


class SignedNotice(models.Model):
    """
    The PDF of a document with its electronic seal, as stored (CERT-6, ESL 13): what was planned is written first.

    sha256: of the whole file, empty until it is stored; path: below the folder of documents; signer, certificate_no:
    as the signing service names them. failures: how often it was tried in vain; fault: why, the last time.
    """

    notice = models.OneToOneField(Notice, models.PROTECT, primary_key=True, related_name="signed")
    region = models.ForeignKey(Region, models.PROTECT)
    seal = models.ForeignKey(ESeal, models.PROTECT, related_name="+")
    planned_at = models.DateTimeField()
    plain_sha256 = models.CharField(max_length=64)
    signed_at = models.DateTimeField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    path = models.CharField(max_length=200, blank=True)
    signer = models.CharField(max_length=120, blank=True)
    certificate_no = models.CharField(max_length=80, blank=True)
    failures = models.PositiveSmallIntegerField(default=0)
    fault = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["region", "planned_at"], condition=models.Q(signed_at=None), name="signing_waiting")
        ]


class PublicityUpload(models.Model):
    """双公示: that a granted decision was uploaded where licences are made public, by whom and when (LAW-18)."""

    notice = models.OneToOneField(Notice, models.PROTECT, primary_key=True, related_name="publicity")
    region = models.ForeignKey(Region, models.PROTECT)
    uploaded_at = models.DateTimeField()
    uploaded_by = models.ForeignKey(Staff, models.PROTECT, related_name="+")


class RetentionRule(models.Model):
    """How many years the archive of an item is kept from a day on (CERT-10); item empty: every other item."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    item = models.ForeignKey(ServiceItem, models.PROTECT, null=True, blank=True, related_name="+")
    years = models.PositiveSmallIntegerField(null=True, blank=True, help_text="empty: for ever")
    basis = models.CharField(max_length=200)
    effective_on = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["region", "item", "effective_on"], nulls_distinct=False, name="retention_rule_once"
            )
        ]


class ArchivePackage(models.Model):
    """
    电子档案: one finished case as one file that proves itself (CERT-10): documents, materials, log, hashes.

    edition: a case that goes on after it was packed (a decision revoked …) is packed again, the earlier file stays.
    head: hash of the last ledger row in it. keep_until: empty for ever. deleted_at with its approver and ground is the
    deletion register (销毁清册); the row stays when the file is gone.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    case = models.ForeignKey("Case", models.PROTECT, related_name="archives")
    edition = models.PositiveSmallIntegerField(default=1)
    number = models.CharField(max_length=60)
    made_at = models.DateTimeField()
    head = models.CharField(max_length=64)
    notice_count = models.PositiveIntegerField()
    entry_count = models.PositiveIntegerField()
    path = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    keep_until = models.DateField(null=True, blank=True)
    retention_basis = models.CharField(max_length=200, blank=True)
    handed_over_at = models.DateTimeField(null=True, blank=True)
    handed_over_to = models.CharField(max_length=120, blank=True)
    deletion_asked_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    deletion_asked_at = models.DateTimeField(null=True, blank=True)
    deletion_ground = models.CharField(max_length=200, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    deleted_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["region", "number"], name="archive_number_once"),
            models.UniqueConstraint(fields=["region", "case", "edition"], name="archive_edition_once"),
            models.CheckConstraint(
                condition=models.Q(deleted_at=None)
                | ~models.Q(deletion_ground="") & models.Q(deleted_by__isnull=False),
                name="deleted_archive_says_why",
            ),
        ]
        indexes = [
            models.Index(fields=["region", "keep_until"], condition=models.Q(deleted_at=None), name="archive_by_end"),
            models.Index(fields=["region", "made_at"], name="archive_by_made"),
        ]

    @property
    def stream(self) -> str:
        return f"archive:{self.pk}"
