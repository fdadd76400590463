"""`yimen serve`: the whole platform under one parent: database, web processes, worker."""

import argparse
import contextlib
import hashlib
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Sequence
from typing import Any, cast

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen import cli
from yimen.commands import migrate
from yimen.lib.errors import DomainError
from yimen.lib.supervise import Child, Children

HELP = gettext_lazy("启动平台：数据库、网页和后台任务")
NEEDS_DATABASE = True
BACKLOG = 1024
READY_SECONDS = 180


class PortTaken(DomainError):
    """Another program listens there."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=_port, default=None, help=_("端口，默认 8000（也可用环境变量 PORT）"))
    parser.add_argument("--host", default="127.0.0.1", help=_("监听地址，默认只供本机访问"))
    parser.add_argument("--no-worker", action="store_true", help=_("不启动后台任务"))


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise ValueError
    return number


def run(args: argparse.Namespace) -> int:
    return serve(args)


def check_port(args: argparse.Namespace) -> None:
    """Raise PortTaken now rather than after long work."""
    _listen(args.host, _port_of(args)).close()


def serve(args: argparse.Namespace, *, notes: Sequence[str] = (), more: Sequence[Child] = ()) -> int:
    """
    Serve until SIGINT or SIGTERM.

    notes: printed below the address when everything answers; {base} stands for it.
    more: further processes to keep alive beside web and worker.
    """
    # A restart of the database takes its addresses along: they stay the same.
    if args.server:
        args.server.watch(_say)
    migrate.when_needed()
    notes = [*notes, *_without_centre()]
    cli.close_connections()
    collect_static()
    listener = _listen(args.host, _port_of(args))
    port = listener.getsockname()[1]
    stop: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: stop.append(number))
    children = Children(_say)
    ready, told = os.pipe()
    web = [sys.executable, "-m", "yimen.web.process", "--fd", str(listener.fileno()), "--ready-fd", str(told)]
    try:
        # The first one alone until it answers: starting all at once would make the first visitor wait for the last.
        for n in range(settings.WEB_PROCESSES):
            children.add(Child(_("网页进程 %(number)d ") % {"number": n + 1}, web, (listener.fileno(), told)))
            if n == 0:
                _wait_until_ready(ready, children, stop)
        if not args.no_worker:
            children.add(Child(_("后台任务进程"), [sys.executable, "-m", "yimen.cli", "work"]))
        for child in more:
            children.add(child)
        if not stop:
            _announce(args.host, port, notes)
        while not stop:
            children.tick()
            time.sleep(0.05)
    finally:
        listener.close()  # nobody new; the web processes finish what they have
        children.stop()
        os.close(ready)
        os.close(told)
    return 0


def _without_centre() -> list[str]:
    """How to go on where nothing has been set up yet."""
    from yimen.people.queries import main_center

    if main_center() is not None:
        return []
    return [_("还没有中心：请在另一个终端运行 yimen create-centre --help，照着建好，再登录 {base}/workbench/。")]


def collect_static() -> bool:
    """Copy static files to where they are served from, when one of them changed; says whether it did."""
    digest = hashlib.sha256(repr(settings.STORAGES).encode())
    for finder in finders.get_finders():
        found: list[Any] = list(cast(Any, finder).list([]))
        for path, storage in sorted(found, key=lambda pair: pair[0]):
            facts = os.stat(storage.path(path))
            digest.update(f"{path} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    stamp = settings.HOME / "static.stamp"
    if stamp.exists() and stamp.read_text() == digest.hexdigest() and settings.STATIC_ROOT.exists():
        return False
    stamp.unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, clear=True, verbosity=0, skip_checks=True)
    stamp.write_text(digest.hexdigest())
    return True


def _port_of(args: argparse.Namespace) -> int:
    if args.port is not None:
        return int(args.port)
    text = os.environ.get("PORT", "").strip() or "8000"
    try:
        return _port(text)
    except ValueError:
        raise DomainError(_("PORT 应为 1 到 65535 的整数，不能是 %(text)s。") % {"text": text}) from None


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise PortTaken(
            _("不能使用 %(host)s 的端口 %(port)d（%(why)s）。请换一个，例如 PORT=8001 make demo。")
            % {"host": host, "port": port, "why": error.strerror}
        ) from None
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener


def _wait_until_ready(ready: int, children: Children, stop: list[int]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not stop and not select.select([ready], [], [], 0.05)[0]:
        children.tick()
        if time.monotonic() > deadline or all(
            child.restarts > 3 for child in children.children[: settings.WEB_PROCESSES]
        ):
            raise DomainError(_("网页进程没有启动，原因见上；yimen doctor 可以帮助查找。"))


def _announce(host: str, port: int, notes: Sequence[str]) -> None:
    shown = f"[{host}]" if ":" in host else host
    base = f"http://{shown}:{port}"
    for note in (_("一门已启动：%(base)s/") % {"base": base}, *notes, _("按 Ctrl-C 停止。")):
        print(note.replace("{base}", base), flush=True)


def _say(message: str) -> None:
    with contextlib.suppress(OSError):
        print(message, file=sys.stderr, flush=True)
