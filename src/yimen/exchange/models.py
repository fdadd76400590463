"""What was imported, from which file, with what result."""

from django.db import models

from yimen.lib.ids import uuid7


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
