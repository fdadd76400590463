"""What the worker does for the catalogue; every job may run twice without harm."""

from __future__ import annotations

import logging

from django.utils import timezone
from procrastinate.contrib.django import app

from yimen.catalog import actions
from yimen.people.models import Region

log = logging.getLogger("yimen.catalog")


@app.periodic(cron="1,31 * * * *")
@app.task(name="catalog.put_in_force", queueing_lock="catalog.put_in_force", pass_context=False)
def put_in_force(timestamp: int) -> None:
    """Approved editions are published on their day, shortly after midnight; what ends on that day is withdrawn."""
    changes = actions.put_in_force(timezone.now())
    if changes.published or changes.withdrawn or changes.held:
        log.info("editions published %d, withdrawn %d, held %d", changes.published, changes.withdrawn, changes.held)


@app.periodic(cron="40 2 * * *")
@app.task(name="catalog.recount", queueing_lock="catalog.recount", pass_context=False)
def recount(timestamp: int) -> None:
    """What search keeps about common words; during the day it may be a little old."""
    for region in Region.objects.filter(serviceitem__published__isnull=False).distinct().order_by("code"):
        actions.recount(region)
