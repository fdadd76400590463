"""The platform as the server calls it."""

import importlib
import importlib.util

from django.conf import settings

from yimen.web.front import App, Gate, Router, Threads
from yimen.web.wsgi import application as django_application

WAITING_PER_THREAD = 16  # more requests than this in line: say so instead of letting them wait


def live_app() -> App | None:
    if importlib.util.find_spec("yimen.web.live") is None:
        return None
    app: App = importlib.import_module("yimen.web.live").app
    return app


application = Router(
    Gate(
        Threads(django_application, settings.WEB_THREADS),
        seconds=settings.BODY_SECONDS,
        max_bytes=settings.BODY_MAX_BYTES,
        most=settings.WEB_THREADS * (1 + WAITING_PER_THREAD),
    ),
    live_app(),
)
