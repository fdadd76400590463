"""Settings of a deliberately broken build: keys are forgotten and a window is called a new ticket each time."""

from yimen.faults.settings import *  # noqa: F403
from yimen.faults.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "yimen.faults.apps.BrokenConfig"]
