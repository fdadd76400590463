"""A list of ten thousand items in and out, beside a raw COPY of the same rows."""

from __future__ import annotations

import csv
import resource
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from yimen.bench.items import ACTS, OBJECTS
from yimen.bench.measure import Figure
from yimen.catalog import exports, importers
from yimen.ledger.actions import SYSTEM
from yimen.lib import sheet
from yimen.lib.workdays import LOCAL_ZONE
from yimen.people.models import Region

REGION = "999998"
# What a commit would check.
CHECK = "SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED"
HEAD = (
    *(
        "实施编码",
        "事项名称",
        "事项类型",
        "实施主体",
        "法定办结时限",
        "承诺办结时限",
        "受理条件",
        "办理流程",
        "设定依据",
    ),
    *("申请材料", "服务对象", "主题", "办理地点", "办理时间", "咨询方式", "是否收费"),
)


def write_list(path: Path, count: int) -> None:
    """Write an invented list of `count` items, four materials each."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(HEAD)
        for n in range(count):
            thing, act = OBJECTS[n % len(OBJECTS)], ACTS[n // len(OBJECTS) % len(ACTS)]
            rows.writerow(
                [
                    *(f"11500000MB2D06811W45020{n % 100_000:05d}{n // 100_000:03d}", f"{thing}{act}（第 {n} 项演示）"),
                    *("公共服务", f"演示 {n % 60} 局", "20个工作日", f"{n % 20}个工作日"),
                    *("申请人在本市居住，材料齐全，符合法定形式。" * 3, "收件、受理、审查、决定、送达。"),
                    *("《演示条例》第一条", "申请表；身份证；场所证明；授权委托书", "自然人、企业法人", "开店办企业"),
                    *("演示路 1 号 3 号窗口", "工作日 9:00 到 17:00", "0851-00000000", "否"),
                ]
            )


def bench(count: int) -> list[Figure]:
    """Import and export `count` items; everything is undone at the end."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.csv"
        write_list(path, count)
        rows = []
        with transaction.atomic():
            Region.objects.create(code=REGION, name="演示导入")
            took = _timed(lambda: _load(path))
            raw = _copied()
            rows.append(_figure(f"items imported of {count}", count, took, raw))
            again = _timed(lambda: _load(path))
            rows.append(_figure("unchanged items read again", count, again))
            for form in ("csv", "xlsx", "jsonl"):
                out = Path(folder) / f"out.{form}"
                rows.append(_figure(f"items exported, {form}", count, _timed(lambda: _export(out, form))))  # noqa: B023
            transaction.set_rollback(True)
    return rows


def peak_megabytes() -> int:
    """What this process held at most, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _load(path: Path) -> None:
    at = timezone.now().astimezone(LOCAL_ZONE)
    report = importers.import_list(path, by=SYSTEM, at=at, region_code=REGION, source="bench")
    if not report.written:
        raise RuntimeError(report.left_out[:3])
    with connection.cursor() as cursor:
        cursor.execute(CHECK)


def _export(path: Path, form: str) -> None:
    if form == "xlsx":
        with path.open("wb") as file:
            sheet.write_xlsx(file, [("事项", exports.table(REGION))])
        return
    parts: Iterable[str] = exports.json_lines(REGION) if form == "jsonl" else sheet.write_csv(exports.table(REGION))
    with path.open("w", encoding="utf-8", newline="") as text:
        text.writelines(parts)


def _copied() -> float:
    """Seconds a raw COPY takes to write the same rows of the three tables again, with their indexes and keys."""
    items = f"SELECT id FROM catalog_serviceitem WHERE region_id = '{REGION}'"
    versions = f"SELECT id FROM catalog_itemversion WHERE item_id IN ({items})"
    tables = {
        "catalog_serviceitem": f"region_id = '{REGION}'",
        "catalog_itemversion": f"item_id IN ({items})",
        "catalog_itemmaterial": f"version_id IN ({versions})",
    }
    data: dict[str, list[bytes]] = {}
    with connection.cursor() as cursor:
        for table, where in tables.items():
            with cursor.copy(f"COPY (SELECT * FROM {table} WHERE {where}) TO STDOUT") as copy:
                data[table] = [bytes(part) for part in copy]
        for table, where in reversed(tables.items()):
            cursor.execute(f"DELETE FROM {table} WHERE {where}")
        began = time.perf_counter()
        for table, parts in data.items():
            with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                for part in parts:
                    copy.write(part)
        cursor.execute(CHECK)
        return time.perf_counter() - began


def _timed(act: Callable[[], Any]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _figure(what: str, count: int, took: float, raw: float | None = None) -> Figure:
    each = took / count * 1000
    return Figure(what, 1, count / took, each, each, count / raw if raw else None)
