"""One append-only history, the seals over it and the readers that follow it."""

from django.db import models
from django.db.models.functions import Now


class TransactionId(models.Func):
    """The writing transaction's number, so that readers can stop before one still running."""

    template = "(pg_current_xact_id()::text::bigint)"
    output_field = models.BigIntegerField()


class Event(models.Model):
    """
    One act. Rows are only ever added; the database refuses everything else.

    stream: what it is about, "case:<id>"; seq counts from 1 within (region, stream) without gaps.
    actor: "staff:<id>", "applicant:<id>", "public", "system"; never a name.
    data: what changed; personal data only by reference.
    hash: SHA-256 over the stream's previous hash, seq and the row (yimen.ledger.chain).
    """

    region = models.CharField(max_length=12)
    stream = models.CharField(max_length=160)
    seq = models.PositiveIntegerField()
    kind = models.CharField(max_length=60)
    actor = models.CharField(max_length=80)
    role = models.CharField(max_length=40, blank=True)
    at = models.DateTimeField()
    data = models.JSONField(default=dict)
    previous = models.BinaryField()
    hash = models.BinaryField()
    tx = models.BigIntegerField(db_default=TransactionId())
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "stream", "seq"], name="event_once_in_stream")]
        indexes = [
            models.Index(fields=["tx", "id"], name="event_position"),
            models.Index(fields=["region", "kind", "at"], name="event_by_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.stream}#{self.seq} {self.kind}"


class Seal(models.Model):
    """
    A Merkle root over the rows after the previous seal, up to position (tx, last_id).

    root: over the rows' leaves (chain.leaf) in order of position; chained: over the previous seal's chained
    and everything this one says (chain.sealed).
    """

    tx = models.BigIntegerField()
    last_id = models.BigIntegerField()
    row_count = models.PositiveIntegerField()
    root = models.BinaryField()
    chained = models.BinaryField()
    sealed_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["tx", "last_id"], name="seal_position")]


class Follower(models.Model):
    """How far a reader of the ledger has come; (tx, last_id) is the last row handled."""

    name = models.CharField(max_length=60, primary_key=True)
    tx = models.BigIntegerField(default=0)
    last_id = models.BigIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    failing_id = models.BigIntegerField(default=0)


class Unhandled(models.Model):
    """A row a follower gave up on after several tries, kept until somebody looks at it."""

    follower = models.CharField(max_length=60)
    event = models.ForeignKey(Event, models.PROTECT)
    error = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["follower", "event"], name="unhandled_once")]


class Once(models.Model):
    """The answer given to a keyed act, so that asking again gives it again (REL-6)."""

    actor = models.CharField(max_length=80)
    act = models.CharField(max_length=60)
    key = models.CharField(max_length=80)
    body_hash = models.BinaryField()
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.JSONField(null=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["actor", "act", "key"], name="once_per_key")]
        indexes = [models.Index(fields=["at"], name="once_by_age")]
