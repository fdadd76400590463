"""
The booklet of all published items as files (S1-24), kept in a folder named for what the catalogue says.

A new folder appears whole or not at all; readers take the newest. Making it is for a command or the worker: two
thousand items take about twenty seconds.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp

from django.conf import settings
from django.utils.timezone import localdate

from yimen.catalog import prints
from yimen.catalog.leaflets import Place, Sheet
from yimen.catalog.queries import guides
from yimen.people.models import Region

KEPT = 2
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Booklet:
    """A finished booklet: its files in order of volume; is_current: it says what the catalogue says now."""

    files: tuple[Path, ...]
    is_current: bool


def root() -> Path:
    """Return where booklets are kept; web processes and the worker read and write the same place."""
    return Path(settings.HOME) / "booklets"


def state_of(region: Region | str, center: Place) -> str:
    """Return the name of the folder that holds what is published now; "" while nothing is. One query."""
    state = guides.catalogue_state(region)
    return sha256(f"{state} {center}".encode()).hexdigest()[:24] if state else ""


def find(root: Path, region: Region | str, center: Place) -> Booklet | None:
    """Return the newest booklet under `root`; None before the first one."""
    folders = _folders(root, region)
    if not folders:
        return None
    newest = folders[-1]
    state = state_of(region, center)
    current = next((folder for folder in folders if state and folder.name.endswith(state)), None)
    return Booklet(tuple(sorted((current or newest).glob("*.pdf"))), current is not None)


def keep(root: Path, region: Region | str, center: Place, *, at: datetime) -> Path | None:
    """Make the booklet unless the one that is kept is current; older ones go. Return the new folder, else None."""
    state = state_of(region, center)
    found = find(root, region, center)
    if not state or (found and found.is_current):
        return None
    with _new_folder(root) as folder:
        write(folder, region, center, at=at)
        whole = root / f"{_code(region)}-{at:%Y%m%d%H%M%S%f}-{state}"
        os.replace(folder, whole)
    for old in _folders(root, region)[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return whole


def write(
    folder: Path,
    region: Region | str,
    center: Place,
    *,
    at: datetime,
    stem: str = "booklet",
    progress: Progress | None = None,
) -> list[Path]:
    """
    Write the booklet's volumes into `folder` and return the files, STEM.pdf or STEM-1.pdf and so on.

    progress: told how many items are done, and of how many. Raises prints.NothingToPrint.
    """
    items = guides.guides(region).order_by("department__name", "department_id", "name", "pk")
    count = items.count()
    if not count:
        raise prints.NothingToPrint("还没有发布的事项，没有可印的。")
    files, done = [], 0
    with prints.in_chinese():
        sheets: Iterator[Sheet] = guides.sheets(items, region, center=center, on=localdate(at))
        departments = prints.departments_by_volume(guides.items_by_department(region))
        for volume in prints.volumes(sheets, count):
            name = f"{stem}.pdf" if volume.count == 1 else f"{stem}-{volume.number}.pdf"
            files.append(folder / name)
            files[-1].write_bytes(prints.booklet(volume, at=at, departments=departments))
            done += len(volume.sheets)
            if progress:
                progress(done, count)
    return files


def _code(region: Region | str) -> str:
    return region if isinstance(region, str) else region.pk


def _folders(root: Path, region: Region | str) -> list[Path]:
    return sorted(path for path in root.glob(f"{_code(region)}-*-*") if path.is_dir())


@contextmanager
def _new_folder(root: Path) -> Iterator[Path]:
    root.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix=".half-", dir=root))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
