"""What the worker does for the catalogue; every job may run twice without harm."""

from __future__ import annotations

import logging

from django.utils import timezone
from procrastinate.contrib.django import app

from yimen.catalog import actions
from yimen.catalog.models import ServiceItem
from yimen.people.models import Region

log = logging.getLogger("yimen.catalog")


@app.periodic(cron="1,31 * * * *")
@app.task(name="catalog.put_in_force", queueing_lock="catalog.put_in_force", pass_context=False)
def put_in_force(timestamp: int) -> None:
    """Approved editions are published on their day, shortly after midnight; what ends on that day is withdrawn."""
    changes = actions.put_in_force(timezone.now())
    if changes.published or changes.withdrawn or changes.held:
        log.info("editions published %d, withdrawn %d, held %d", changes.published, changes.withdrawn, changes.held)


@app.periodic(cron="40 * * * *")
@app.task(name="catalog.recount", queueing_lock="catalog.recount", pass_context=False)
def recount(timestamp: int) -> None:
    """The lists search reads, where items were published since they were made."""
    since = ServiceItem.objects.filter(place=None, published__isnull=False)
    for region in Region.objects.filter(pk__in=since.values("region")).order_by("code"):
        actions.recount(region)
