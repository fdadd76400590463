"""What was imported, from which file, with what result."""

from django.db import models

from yimen.lib.ids import uuid7
from yimen.people.models import Region, Staff


class ImportedLog(models.Model):
    """
    An event log of another system. Its events stand in the ledger under region "imported"
    and stream "log:<name>:<case>", so that no figure of our own counts them.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=80, unique=True)
    sha256 = models.CharField(max_length=64, unique=True)
    case_count = models.PositiveIntegerField()
    event_count = models.PositiveIntegerField()
    activity_count = models.PositiveIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    imported_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class WaitingImport(models.Model):
    """
    A list somebody has sent in the browser: checked, then taken once, by whoever comes first.

    content: the file, only until it is taken or put away; mapping: heading → column; report: what the check or the
    import told (counts, errors, the first items).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    name = models.CharField(max_length=120)
    content = models.BinaryField(default=bytes)
    headings = models.JSONField(default=list)
    mapping = models.JSONField(default=dict)
    department = models.CharField(max_length=120, blank=True)
    source = models.CharField(max_length=40, blank=True)
    mode = models.CharField(max_length=10)
    report = models.JSONField(default=dict)
    sent_by = models.ForeignKey(Staff, models.PROTECT, related_name="+")
    sent_at = models.DateTimeField()
    taken_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")
    taken_at = models.DateTimeField(null=True, blank=True)
    dropped_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["region", "-sent_at"], name="imports_by_region")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_waiting(self) -> bool:
        return self.taken_at is None and self.dropped_at is None


class ApiClient(models.Model):
    """
    A department's own system that speaks to our API in the name of `staff` (S2-14): what it may do, its staff may.

    staff: an account no person uses (clients.is_machine). key_sha256: of the key, which is shown once.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    name = models.CharField(max_length=80)
    staff = models.ForeignKey(Staff, models.PROTECT, related_name="api_clients")
    key_sha256 = models.CharField(max_length=64, unique=True)
    key_begins = models.CharField(max_length=12)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Staff, models.PROTECT, null=True, related_name="+")
    expires_on = models.DateField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    last_used_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["name"]


class Webhook(models.Model):
    """
    Where a client wants to be told: its address, the kinds of ledger rows, the departments; signed with its secret.

    failures: in a row; it is paused after too many, with a word to its owner.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    client = models.ForeignKey(ApiClient, models.PROTECT, related_name="webhooks")
    url = models.URLField(max_length=300)
    kinds = models.JSONField(default=list)
    secret_sealed = models.BinaryField()
    made_at = models.DateTimeField()
    paused_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)


class WebhookDelivery(models.Model):
    """One row of the ledger on its way to one webhook: at least once, with its own id to tell repeats."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    webhook = models.ForeignKey(Webhook, models.PROTECT, related_name="deliveries")
    event_id = models.BigIntegerField()
    kind = models.CharField(max_length=60)
    body = models.JSONField()
    made_at = models.DateTimeField()
    next_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    done_at = models.DateTimeField(null=True, blank=True)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["webhook", "event_id"], name="webhook_delivery_once")]
        indexes = [models.Index(fields=["next_at"], condition=models.Q(done_at=None), name="webhook_delivery_waiting")]
