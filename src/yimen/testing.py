"""What tests share: finding the sample data beside the clone, and which tests another database server needs."""

import hashlib
import heapq
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# Skips where Debian's chromium is missing; in CI such a test runs and fails.
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None and os.environ.get("CI") != "true", reason="chromium is not installed (apt-get install chromium)"
)


def shared(path: str) -> Path:
    """Return ../shared/<path>; skips where the sample data is not beside the clone, fails in CI."""
    found = Path(os.environ.get("YIMEN_SHARED", ROOT.parent / "shared")) / path
    if not found.exists():
        message = f"sample data {path} is not beside this clone"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return found


class Statements:
    """
    Which test sends which statements to the database, and which of them it refuses: noted on one server, so that on
    another the tests suffice that send each of them once.

    folder: keeps the notes, one file for each process (`worker`); notes of other sources than today's are not read.
    """

    def __init__(self, folder: Path, worker: str) -> None:
        digest = hashlib.sha256()
        for path in sorted((ROOT / "src").rglob("*.py")):
            facts = path.stat()
            digest.update(f"{path} {facts.st_size} {facts.st_mtime_ns}".encode())
        self.folder, self.name = folder, f"statements-{digest.hexdigest()[:16]}"
        self.path = folder / f"{self.name}-{worker}.json"
        self.tests: dict[str, tuple[float, list[str]]] = {}
        self._sent: set[str] = set()
        self._shapes: dict[str, str] = {}

    def __call__(self, execute: Callable[..., Any], statement: Any, params: Any, many: bool, context: Any) -> Any:
        """Django's hook around every statement."""
        self._sent.add(str(statement))
        try:
            return execute(statement, params, many, context)
        except Exception as error:
            cause = getattr(error.__cause__, "diag", None)
            self._sent.add(f"{type(error).__name__} {getattr(cause, 'constraint_name', '')} {statement}")
            raise

    def note(self, test: str, seconds: float) -> None:
        """What was sent since the last note was sent by this test."""
        if self._sent:
            self.tests[test] = (round(seconds, 3), sorted({self._shape(one) for one in self._sent}))
            self._sent.clear()

    def _shape(self, statement: str) -> str:
        """A short name for a statement, the same for any number of values in its lists."""
        if statement not in self._shapes:
            text = re.sub(r"\d+", "0", statement)
            text = re.sub(r"%s(?:, %s)+", "%s", text)
            text = re.sub(r"\(%s\)(?:, \(%s\))+", "(%s)", text)
            self._shapes[statement] = hashlib.sha256(text.encode()).hexdigest()[:12]
        return self._shapes[statement]

    def write(self) -> None:
        if self.tests:
            kept = json.loads(self.path.read_text()) if self.path.exists() else {}
            self.path.write_text(json.dumps(kept | self.tests))
            for old in self.folder.glob("statements-*.json"):
                if not old.name.startswith(self.name):
                    old.unlink(missing_ok=True)

    def read(self) -> dict[str, tuple[float, list[str]]]:
        found: dict[str, tuple[float, list[str]]] = {}
        for path in sorted(self.folder.glob(f"{self.name}-*.json")):
            found |= json.loads(path.read_text())
        return found


def superfluous(tests: Mapping[str, tuple[float, Sequence[str]]], sent: Iterable[str] = ()) -> set[str]:
    """
    Return the tests that can be left out: the others send all that all of them send, and take little time.

    tests: seconds and statements of each. sent: statements that are sent anyhow.
    """
    done = set(sent)
    left_out = set(tests)

    def worth(name: str) -> tuple[float, str]:
        seconds, statements = tests[name]
        return -len({*statements} - done) / (seconds + 0.05), name

    heap = [worth(name) for name in tests]
    heapq.heapify(heap)
    while heap:
        _, name = heapq.heappop(heap)
        now = worth(name)  # the others have taken over some of it
        if now[0] == 0:
            continue
        if heap and now > heap[0]:
            heapq.heappush(heap, now)
            continue
        left_out.discard(name)
        done |= {*tests[name][1]}
    return left_out
