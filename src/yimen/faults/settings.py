"""Settings of a platform under load: the real ones, but everybody comes from one address."""

from yimen.settings import *  # noqa: F403

TICKETS_PER_MINUTE = 1_000_000
