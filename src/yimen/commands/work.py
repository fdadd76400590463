"""`yimen work`: run the queued and the periodic jobs."""

import argparse
import asyncio
import logging

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from procrastinate.contrib.django import app
from procrastinate.exceptions import ConnectorException

HELP = gettext_lazy("执行后台任务（serve 会自动启动一个）")
NEEDS_DATABASE = True
STALLED_SECONDS = 60

log = logging.getLogger("yimen.work")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--threads", type=int, default=2, help=_("同时执行的任务数"))


def run(args: argparse.Namespace) -> int:
    for handler in logging.getLogger().handlers:
        handler.addFilter(_without_trace)
    asyncio.run(_work(args.threads))
    return 0


def _without_trace(record: logging.LogRecord) -> bool:
    """A database that is away is one line, not a page."""
    if record.exc_info and isinstance(record.exc_info[1], ConnectorException):
        record.exc_info = record.exc_text = None
        record.msg, record.args = " ".join(record.getMessage().split()), ()
    return True


async def _work(threads: int) -> None:
    connector = app.connector.get_worker_connector()  # type: ignore[attr-defined]
    with app.replace_connector(connector) as worker:
        async with worker.open_async():
            rescuer = asyncio.create_task(_rescue_stalled(worker))
            try:
                await worker.run_worker_async(
                    concurrency=threads, shutdown_graceful_timeout=3, name="yimen", delete_jobs="successful"
                )
            finally:
                rescuer.cancel()


async def _rescue_stalled(worker: object) -> None:
    """Put the jobs of a worker that was killed back into the queue; every job may run twice without harm."""
    manager = worker.job_manager  # type: ignore[attr-defined]
    while True:
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
            log.warning("job %s stalled, queued again", job.id)
            await manager.retry_job(job)
        await asyncio.sleep(STALLED_SECONDS / 2)
