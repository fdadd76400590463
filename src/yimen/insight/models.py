"""What insight keeps of its own: forecasts of waits as they were told, and what became of them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from yimen.hall.models import Hall, Series, Ticket
from yimen.lib.ids import uuid7
from yimen.people.models import Region


class ForecastCheck(models.Model):
    """
    The range of one ticket's wait as it was told at a moment, in seconds, and how long the wait was from then on.

    p5 … p95 are empty when nothing was said. played: the four before they were put right or hidden, for the next ones
    to learn from; empty when nothing could be played. waited is empty until it was called, and for ever for whoever was
    not, or was put off or held meanwhile.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    ticket = models.OneToOneField(Ticket, models.CASCADE, related_name="forecast")
    hall = models.ForeignKey(Hall, models.PROTECT, related_name="+")
    series = models.ForeignKey(Series, models.PROTECT, related_name="+")
    day = models.DateField()
    at = models.DateTimeField()
    p5 = models.PositiveIntegerField(null=True)
    p25 = models.PositiveIntegerField(null=True)
    p75 = models.PositiveIntegerField(null=True)
    p95 = models.PositiveIntegerField(null=True)
    played = ArrayField(models.PositiveIntegerField(), size=4, null=True)
    waited = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(p5=None, p25=None, p75=None, p95=None)
                | Q(p5__lte=F("p25"), p25__lte=F("p75"), p75__lte=F("p95")),
                name="forecast_in_order",
            )
        ]
        indexes = [
            models.Index(fields=["region", "hall", "day"], name="forecast_by_day"),
            models.Index(fields=["at"], condition=Q(waited=None), name="forecast_to_check"),
        ]
