"""Child processes that are started again when they die, and that never outlive us."""

import ctypes
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

PARENT = "YIMEN_PARENT_PID"
LONGEST_PAUSE = 5.0
PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Called by a child at its start: the kernel ends it when the supervising parent is gone, even by kill -9."""
    parent = os.environ.pop(PARENT, "")
    if not parent:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):  # it died before we asked
        os._exit(1)


def raise_descriptor_limit() -> None:
    """Allow as many open connections as the system lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@dataclass
class Child:
    """
    One process to keep alive.

    grace: seconds it gets to finish after SIGTERM before it is killed.
    """

    name: str
    command: Sequence[str]
    pass_fds: Sequence[int] = ()
    grace: float = 5.0
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = 0.0
    restarts: int = field(default=0, init=False)

    def start(self) -> None:
        self.started = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603
            self.command,
            pass_fds=self.pass_fds,
            stdin=subprocess.DEVNULL,
            env=os.environ | {PARENT: str(os.getpid())},
            start_new_session=True,  # Ctrl-C reaches the parent alone, which ends its children in order
        )

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Children:
    """Keep children alive; call `tick` often. `report` is told of each death in one sentence."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self.report = report
        self.children: list[Child] = []

    def add(self, child: Child) -> None:
        self.children.append(child)
        child.start()

    def tick(self) -> None:
        """Start again what died: at once the first time, after growing pauses when it keeps dying young."""
        now = time.monotonic()
        for child in self.children:
            if child.alive or child.process is None:
                if child.process is None and now >= child.started:
                    child.start()
                continue
            code = child.process.returncode
            lived = now - child.started
            child.pause = (
                0.0 if lived > 10 else min(max(child.pause * 2, 0.1 if child.restarts else 0.0), LONGEST_PAUSE)
            )
            child.restarts += 1
            child.process = None
            child.started = now + child.pause
            self.report(
                _("%(name)s意外结束（%(code)s），已重新启动。") % {"name": child.name, "code": code}
                if not child.pause
                else _("%(name)s意外结束（%(code)s），%(seconds).1f 秒后重新启动。")
                % {"name": child.name, "code": code, "seconds": child.pause}
            )
            if not child.pause:
                child.start()

    def stop(self) -> None:
        """End all children: SIGTERM to each, SIGKILL to those that take longer than their grace."""
        running = [child.process for child in self.children if child.process and child.alive]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + max((child.grace for child in self.children), default=0)
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.children.clear()
