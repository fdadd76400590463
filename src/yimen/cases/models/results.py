"""What follows a decision: quotas, bars, fees, renewals."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from yimen.catalog.models import ItemFee, ServiceItem
from yimen.lib.ids import uuid7
from yimen.people.models import Applicant, Region, Staff


class Quota(models.Model):
    """有数量限制的许可: how many may be granted from a day on (LAW-20); they go in the order of acceptance."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    item = models.ForeignKey(ServiceItem, models.PROTECT, related_name="quotas")
    number = models.PositiveIntegerField()
    basis = models.CharField(max_length=200)
    effective_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "item", "effective_on"], name="quota_once")]


class Bar(models.Model):
    """
    不得再次申请 (LAW-27): false materials bar an applicant from an item concerning public safety for 1 year, a licence
    got by fraud or bribery for 3 years. item empty: every item it applies to. It can be lifted, never deleted.
    """

    class Ground(models.TextChoices):
        FALSE_MATERIALS = "false_materials", _("隐瞒情况或者提供虚假材料")
        FRAUD = "fraud", _("以欺骗、贿赂等不正当手段取得许可")
        FALSE_COMMITMENT = "false_commitment", _("承诺不实")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    applicant = models.ForeignKey(Applicant, models.PROTECT, related_name="bars")
    item = models.ForeignKey(ServiceItem, models.PROTECT, null=True, blank=True, related_name="+")
    ground = models.CharField(max_length=20, choices=Ground.choices)
    finding = models.TextField()
    case = models.ForeignKey("Case", models.PROTECT, related_name="bars")
    from_on = models.DateField()
    until_on = models.DateField()
    set_by = models.ForeignKey(Staff, models.PROTECT, related_name="+")
    set_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    lift_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(until_on__gt=models.F("from_on")), name="bar_ends_later")
        ]
        indexes = [models.Index(fields=["region", "applicant", "until_on"], name="bar_by_applicant")]


class FeeSlip(models.Model):
    """
    缴费单: one published fee of a case (LAW-21, CASE-12), its legal basis copied from the version; yuan, two decimals.
    """

    class State(models.TextChoices):
        DUE = "due", _("待缴")
        PAID = "paid", _("已缴")
        WAIVED = "waived", _("已减免")
        REFUNDED = "refunded", _("已退还")
        CANCELLED = "cancelled", _("已作废")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    case = models.ForeignKey("Case", models.PROTECT, related_name="fees")
    fee = models.ForeignKey(ItemFee, models.PROTECT, related_name="+")
    number = models.CharField(max_length=60)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    quantity = models.DecimalField(max_digits=10, decimal_places=2, default=1)
    basis = models.TextField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.DUE)
    issued_by = models.ForeignKey(Staff, models.PROTECT, related_name="+")
    issued_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True, blank=True)
    pay_channel = models.CharField(max_length=20, blank=True)
    receipt_no = models.CharField(max_length=60, blank=True)
    payer = models.CharField(max_length=120, blank=True)
    changed_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    changed_at = models.DateTimeField(null=True, blank=True)
    change_reason = models.CharField(max_length=300, blank=True)
    notice = models.ForeignKey("Notice", models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["region", "number"], name="fee_slip_number_once"),
            models.UniqueConstraint(
                fields=["case", "fee"], condition=~models.Q(state="cancelled"), name="fee_slip_once"
            ),
            models.CheckConstraint(condition=~models.Q(basis=""), name="fee_slip_has_legal_basis"),
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="fee_slip_not_negative"),
        ]
        indexes = [models.Index(fields=["region", "paid_at"], name="fee_slip_by_paid")]


class Renewal(models.Model):
    """
    延续 of a certificate (LAW-19): asked for before expiry, decided before expiry or deemed granted at it.

    certificate_no names the certificate; expires_on as it stood then. deemed_at: granted by lapse of time.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    case = models.OneToOneField("Case", models.CASCADE, related_name="renewal")
    certificate_no = models.CharField(max_length=60)
    expires_on = models.DateField()
    is_late = models.BooleanField(default=False, help_text="asked for less than 30 days before expiry")
    deemed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["region", "expires_on"], condition=models.Q(deemed_at=None), name="renewal_by_expiry")
        ]
