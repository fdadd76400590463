"""What the worker does for the pages."""

from __future__ import annotations

from django.core.management import call_command
from procrastinate.contrib.django import app


@app.periodic(cron="30 3 * * *")
@app.task(name="web.forget_sessions", queueing_lock="web.forget_sessions", pass_context=False)
def forget_sessions(timestamp: int) -> None:
    call_command("clearsessions")
