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
