"""What tests share: finding the sample data beside the clone."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def shared(path: str) -> Path:
    """Return ../shared/<path>; skips where the sample data is not beside the clone, fails in CI."""
    found = Path(os.environ.get("YIMEN_SHARED", ROOT.parent / "shared")) / path
    if not found.exists():
        message = f"sample data {path} is not beside this clone"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return found
