"""What tests share: finding the sample data beside the clone."""

import os
import shutil
from pathlib import Path

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
