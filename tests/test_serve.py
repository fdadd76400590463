"""`yimen serve` as a whole: it answers, mends itself, and leaves nothing behind."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.slow


def wait_until(condition, seconds=150.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "took too long"
        time.sleep(0.05)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def descendants(pid):
    """Return every process below `pid`, with its command line."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            fields = (path / "stat").read_text().rpartition(")")[2].split()
            if fields[0] != "Z":
                parents[int(path.name)] = (int(fields[1]), (path / "cmdline").read_text())
        except OSError:
            continue
    found, todo = {}, [pid]
    while todo:
        parent = todo.pop()
        for child, (above, line) in parents.items():
            if above == parent and child not in found:
                found[child] = line
                todo.append(child)
    return found


def alive(pids):
    states = []
    for pid in pids:
        try:
            states.append(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0])
        except OSError:
            continue
    return [state for state in states if state != "Z"]


class Platform:
    def __init__(self, home):
        self.home, self.port, self.process = home, free_port(), None

    def start(self, *command):
        """Run `yimen serve`, or another command, and return the seconds until it answers."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("DATABASE", "YIMEN"))}
        environment |= {"YIMEN_HOME": str(self.home), "PYTHONPATH": str(ROOT / "src"), "PORT": str(self.port)}
        self.out = self.home / "out"
        with self.out.open("w") as out:
            line = [sys.executable, "-m", "yimen.cli", *(command or ["serve"])]
            self.process = subprocess.Popen(line, env=environment, cwd=self.home, stdout=out, stderr=out)
        started = time.monotonic()
        wait_until(lambda: "Ctrl-C" in self.said() or self.process.poll() is not None)
        assert self.process.poll() is None, self.said()
        return time.monotonic() - started

    def said(self):
        return self.out.read_text()

    def status(self, path="/"):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def call(self, path, body=None, **headers):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v1{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"} | headers,
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def kill_everything(self):
        everything = [self.process.pid, *descendants(self.process.pid)]
        for pid in everything:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        wait_until(lambda: not alive(everything), 30)

    def parts(self, word):
        return [pid for pid, line in descendants(self.process.pid).items() if word in line]


@pytest.fixture(scope="module")
def home(open_folder, migrate_home):
    """One installation for all."""
    folder = open_folder()
    migrate_home(folder)
    return folder


@pytest.fixture
def platform(home):
    platform = Platform(home)
    yield platform
    if platform.process and platform.process.poll() is None:
        platform.process.kill()
        platform.process.wait()


def test_it_answers_mends_itself_and_stops_cleanly(platform):
    platform.start()
    assert platform.status() == 200

    for _ in range(2):  # a web process dies: the port never refuses
        os.kill(platform.parts("yimen.web.process")[0], signal.SIGKILL)
        assert platform.status() == 200
    wait_until(lambda: len(platform.parts("yimen.web.process")) == 2)

    postmaster = platform.parts("bin/postgres")[0]
    os.kill(postmaster, signal.SIGKILL)
    wait_until(lambda: platform.status() == 200, 60)
    assert "SIGKILL" in platform.said()

    everything = [platform.process.pid, *descendants(platform.process.pid)]
    platform.process.send_signal(signal.SIGINT)
    assert platform.process.wait(60) == 0
    wait_until(lambda: not alive(everything), 30)
    assert "Traceback" not in platform.said()


def test_kill_9_of_the_parent_ends_all_and_the_next_start_repairs(platform):
    platform.start()
    everything = list(descendants(platform.process.pid))
    assert len(everything) > 5
    platform.process.kill()
    platform.process.wait()
    wait_until(lambda: not alive(everything), 30)

    platform.start()
    assert platform.status() == 200
    platform.process.terminate()
    assert platform.process.wait(60) == 0


def test_the_demo_keeps_its_data_over_a_kill_of_everything_and_a_reset_starts_over(open_folder, migrate_home):
    platform = Platform(open_folder())
    migrate_home(platform.home)  # the reset begins with nothing
    try:
        first = platform.start("demo", "--quiet")
        assert platform.status("/kiosk/main/") == 200
        ticket = platform.call("/halls/main/tickets", {"series": "A"}, **{"Idempotency-Key": "the-first-ticket"})
        platform.kill_everything()

        second = platform.start("demo", "--quiet")
        print(f"first start {first:.1f} s, second start {second:.1f} s")
        assert platform.call(f"/tickets/{ticket['id']}")["label"] == ticket["label"]
        again = platform.call("/halls/main/tickets", {"series": "A"}, **{"Idempotency-Key": "the-first-ticket"})
        assert again["id"] == ticket["id"]
        platform.process.send_signal(signal.SIGINT)
        assert platform.process.wait(60) == 0

        platform.start("demo", "--quiet", "--reset")
        with pytest.raises(urllib.error.HTTPError):
            platform.call(f"/tickets/{ticket['id']}")
        platform.process.send_signal(signal.SIGINT)
        assert platform.process.wait(60) == 0
        assert "Traceback" not in platform.said()
    finally:
        if platform.process.poll() is None:
            platform.process.kill()


def test_a_taken_port_is_said_in_one_sentence(platform):
    with socket.socket() as other:
        other.bind(("127.0.0.1", platform.port))
        other.listen()
        with pytest.raises(AssertionError, match=f"端口 {platform.port}"):
            platform.start()
    assert platform.process.wait(60) == 1
    assert "Traceback" not in platform.said()
