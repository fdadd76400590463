"""Electronic certificates (电子证照) and what happened to them."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from yimen.catalog.models import ServiceItem
from yimen.lib.ids import uuid7
from yimen.people.models import Applicant, Department, Region, Staff


class CertificateCounter(models.Model):
    """The last number given to a series ("QH证") in a year; its row lock makes numbers gap-free."""

    region = models.ForeignKey(Region, models.PROTECT)
    series = models.CharField(max_length=40)
    year = models.PositiveSmallIntegerField()
    value = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "series", "year"], name="certificate_counter_once")]


class Certificate(models.Model):
    """
    One certificate (CERT-3). What state it is in on a day follows from its changes and its validity
    (rules.state_on), so that the past can be asked about (CERT-9); `state` is the one now, for lists.

    number: 证照编码, printed; case_no: the case it came from, as text. data: what is printed on it, frozen.
    sha256, path: of the sealed file below the folder of documents, once it is stored; wants_seal: nobody has looked yet
    whether a seal goes on it.
    replaced_by: the newer edition after a change or a renewal.
    """

    class State(models.TextChoices):
        """LAL 8, 49, 50, 69, 70 (LAW-28)."""

        VALID = "valid", _("有效")
        REPLACED = "replaced", _("已变更或换发")
        WITHDRAWN = "withdrawn", _("已撤回")
        REVOKED = "revoked", _("已撤销")
        TAKEN_AWAY = "taken_away", _("已吊销")
        CANCELLED = "cancelled", _("已注销")
        LOST = "lost", _("已挂失")
        EXPIRED = "expired", _("已过期")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    number = models.CharField(_("证照编码"), max_length=60)
    name = models.CharField(_("证照名称"), max_length=120)
    item = models.ForeignKey(ServiceItem, models.PROTECT, related_name="certificates")
    department = models.ForeignKey(Department, models.PROTECT, related_name="+")
    holder = models.ForeignKey(Applicant, models.PROTECT, related_name="certificates")
    case_no = models.CharField(max_length=50, blank=True)
    valid_from = models.DateField(_("有效期起"))
    valid_until = models.DateField(_("有效期止"), null=True, blank=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.VALID)
    verify_code = models.CharField(max_length=20)
    issued_at = models.DateTimeField()
    data = models.JSONField(default=dict)
    replaced_by = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="replaces")
    sha256 = models.CharField(max_length=64, blank=True)
    path = models.CharField(max_length=200, blank=True)
    wants_seal = models.BooleanField(default=True)
    is_demo = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["region", "number"], name="certificate_number_once"),
            models.UniqueConstraint(fields=["region", "verify_code"], name="certificate_verify_code_once"),
            models.UniqueConstraint(
                fields=["region", "case_no"], condition=~models.Q(case_no=""), name="certificate_once_per_case"
            ),
        ]
        indexes = [
            models.Index(fields=["region", "holder"], name="certificate_by_holder"),
            models.Index(
                fields=["region", "valid_until"], condition=models.Q(state="valid"), name="certificate_by_expiry"
            ),
            models.Index(fields=["id"], condition=models.Q(wants_seal=True), name="certificate_wants_seal"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def stream(self) -> str:
        return f"certificate:{self.pk}"


class CertificateChange(models.Model):
    """A change of state from a day on, with its ground; rows are only added (the database refuses anything else)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    certificate = models.ForeignKey(Certificate, models.PROTECT, related_name="changes")
    state = models.CharField(max_length=12, choices=Certificate.State.choices)
    from_on = models.DateField()
    ground = models.TextField()
    by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["from_on", "at"]
        constraints = [models.CheckConstraint(condition=~models.Q(ground=""), name="certificate_change_has_ground")]


class ESeal(models.Model):
    """
    电子印章 of an organ as made known to us (CERT-6, GB/T 39046 table 13); the key stays with the signing service.

    code: 印章编码. signer: the name of the service that signs with it (lib.signing). certificate: its public
    certificate as PEM; by it a signed file is recognised. Valid from valid_from to valid_until, both included.
    """

    class Kind(models.TextChoices):
        OFFICIAL = "official", _("法定名称章")
        SPECIAL = "special", _("业务专用章")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    department = models.ForeignKey(Department, models.PROTECT, related_name="seals")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.SPECIAL)
    name = models.CharField(_("印章名称"), max_length=80)
    code = models.CharField(_("印章编码"), max_length=40)
    signer = models.CharField(max_length=120)
    certificate = models.TextField()
    certificate_no = models.CharField(max_length=80)
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True)
    registered_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    registered_at = models.DateTimeField()
    is_demo = models.BooleanField(default=False)

    class Meta:
        ordering = ["department", "name"]
        constraints = [models.UniqueConstraint(fields=["region", "code"], name="seal_code_once")]

    def __str__(self) -> str:
        return self.name


class CertificateSealing(models.Model):
    """
    The electronic seal on a certificate (CERT-6): number and hash of what will be signed are written first, so that a
    crash leaves a record of what was planned. failures: how often it was tried in vain; fault: why, the last time.
    """

    certificate = models.OneToOneField(Certificate, models.PROTECT, primary_key=True, related_name="sealing")
    region = models.ForeignKey(Region, models.PROTECT)
    seal = models.ForeignKey(ESeal, models.PROTECT, related_name="+")
    number = models.CharField(max_length=60)
    plain_sha256 = models.CharField(max_length=64)
    planned_at = models.DateTimeField()
    signed_at = models.DateTimeField(null=True, blank=True)
    signer = models.CharField(max_length=120, blank=True)
    certificate_no = models.CharField(max_length=80, blank=True)
    failures = models.PositiveSmallIntegerField(default=0)
    fault = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["region", "planned_at"], condition=models.Q(signed_at=None), name="certificate_signing_waiting"
            )
        ]
