"""What the worker does for the pages."""

from __future__ import annotations

import subprocess
import sys

from django.core.management import call_command
from procrastinate.contrib.django import app

from yimen.catalog import booklets
from yimen.catalog.queries import guides
from yimen.people.queries import main_center


@app.periodic(cron="30 3 * * *")
@app.task(name="web.forget_sessions", queueing_lock="web.forget_sessions", pass_context=False)
def forget_sessions(timestamp: int) -> None:
    call_command("clearsessions")


@app.periodic(cron="*/20 * * * *")
@app.task(name="web.make_booklet", queueing_lock="web.make_booklet", pass_context=False)
def make_booklet(timestamp: int) -> None:
    """
    Make the booklet anew when the catalogue says something else than the one that is kept.

    In a process of its own, which gives its memory back.
    """
    center = main_center()
    if center is None or not booklets.state_of(center.region_id, place := guides.place_of(center)):
        return
    found = booklets.find(booklets.root(), center.region_id, place)
    if found and found.is_current:
        return
    command = ["-m", "yimen.cli", "leaflets", "--booklet", "--keep", "--region", center.region_id]
    subprocess.run([sys.executable, *command, "--output", str(booklets.root())], check=True)  # noqa: S603
