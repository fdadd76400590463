"""
python -m yimen.bench.screens [--screens 500] [--calls 40] [--json]

How soon after a call every screen knows, with so many of every layout on one web process, and what a screen costs:
bytes for each call, memory of the process for each screen. Real connections over loopback, read by one asyncio loop
of another process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from yimen.faults.platform import Platform, configure, orm, remove

WINDOWS = 40


class Client:
    """One screen: when (perf_counter) it heard of which number, and how many bytes it read."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.heard: dict[str, float] = {}
        self.read = 0
        self.opened = asyncio.Event()

    async def run(self, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        try:
            while line := await reader.readline():
                self.read += len(line)
                if line.startswith(b"data: ") and b'"calls"' in line:
                    now = time.perf_counter()
                    for call in json.loads(line[6:]).get("calls", []):
                        self.heard.setdefault(call["label"], now)
                    self.opened.set()
        finally:
            writer.close()


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m yimen.bench.screens", description=__doc__)
    parser.add_argument("--screens", type=int, default=500)
    parser.add_argument("--calls", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    folder = configure()
    try:
        found = measure(folder, args.screens, args.calls)
    finally:
        remove(folder)
    if args.json:
        print(json.dumps(found, indent=1))
        return 0
    print(
        f"{found['screens']} screens on one process, {found['calls']} calls: heard after {found['median_ms']:.0f} ms"
        f" (median), {found['p95_ms']:.0f} (p95), {found['most_ms']:.0f} (most); not heard {found['not_heard']};"
        f" {found['bytes_a_call']:.0f} bytes a call and screen; {found['kb_a_screen']:.1f} kB of memory a screen;"
        f" {found['cpu_ms_a_call']:.0f} ms of processor time a call, beats and all"
    )
    return 0


def measure(folder: Path, screens: int, calls: int) -> dict[str, Any]:
    """Return the figures; a tenth of the screens each zone, window, several halls and map, the rest the hall's."""
    from yimen.faults import seed

    home = folder / "home"
    seed.prepare(home, windows=WINDOWS, now=datetime.now(UTC))
    known = seed.Seed.read(home)
    with Platform(home, {"YIMEN_WEB_PROCESSES": "1"}) as platform, orm(platform.urls):
        paths, call = _set_up(known, calls)
        pid = _web_process(platform)
        return asyncio.run(_play(platform.port, pid, [paths[n % len(paths)] for n in range(screens)], calls, call))


def _set_up(known: Any, calls: int) -> tuple[list[str], Any]:
    from yimen.hall import actions
    from yimen.hall.actions import places, screens
    from yimen.hall.models import Hall, Series, Window
    from yimen.ledger.actions import PUBLIC, SYSTEM

    now = datetime.now(UTC)
    by: Any = {"by": SYSTEM, "at": now}
    hall = Hall.objects.select_related("center", "region").get(pk=known.hall_id)
    other = Hall.objects.create(region=hall.region, center=hall.center, code="second", name="二楼大厅")
    zone = places.add_zone(hall, name="东区", **by)
    windows = list(Window.objects.filter(hall=hall, staff__isnull=False).select_related("staff").order_by("number"))
    for window in windows:
        places.place_window(window.pk, zone=zone, department=None, **by)
    screens.set_up_screen(hall, code="zone", name="东区", layout="zone", zone=zone, **by)
    screens.set_up_screen(hall, code="both", name="两层", layout="halls", halls=[other], **by)
    screens.set_up_screen(hall, code="first", name="窗口", layout="window", window=windows[0], **by)
    screens.set_up_screen(hall, code="map", name="分布图", layout="map", **by)
    series = Series.objects.filter(windows=windows[0]).first()
    assert series is not None
    for _n in range(calls + len(windows)):
        actions.take_ticket(series.pk, by=PUBLIC, at=now, source="kiosk")

    def call(n: int) -> str:
        window = windows[n % len(windows)]
        assert window.staff
        for held in window.tickets.filter(status__in=["called", "serving"]):
            actions.pass_over(held.pk, by=window.staff, at=datetime.now(UTC))
        ticket = actions.call_next(window.pk, by=window.staff, at=datetime.now(UTC))
        assert ticket is not None
        return ticket.label

    plain = [f"/events/hall/{hall.code}"] * 6
    return [*plain, *(f"/events/screen/{code}" for code in ("zone", "both", "first", "map"))], call


async def _play(port: int, pid: int, paths: list[str], calls: int, call: Any) -> dict[str, Any]:
    clients = [Client(path) for path in paths]
    tasks = []
    # What the first ones cost is the process's own: threads, connections, modules.
    first = [asyncio.create_task(Client(path).run(port)) for path in dict.fromkeys(paths)]
    await asyncio.sleep(5)
    before = _memory(pid)
    for client in clients:
        tasks.append(asyncio.create_task(client.run(port)))
        await asyncio.sleep(0.002)
    await asyncio.gather(*(asyncio.wait_for(client.opened.wait(), 60) for client in clients))
    await asyncio.sleep(2)
    after = _memory(pid)
    told = [client for client in clients if not client.path.endswith(("/first", "/map"))]
    done: dict[str, float] = {}
    cpu = _cpu(pid)
    read = sum(client.read for client in told)
    loop = asyncio.get_running_loop()
    beats_from = time.perf_counter()
    for n in range(calls):
        label = await loop.run_in_executor(None, call, n)
        done[label] = time.perf_counter()
        await asyncio.sleep(0.6)
    await asyncio.sleep(2)
    cpu = _cpu(pid) - cpu
    late = [
        max(0.0, client.heard[one] - at) * 1000 for client in told for one, at in done.items() if one in client.heard
    ]
    missed = len(told) * len(done) - len(late)
    beats = (time.perf_counter() - beats_from) / 2 * len(b'event: beat\ndata: {"time":"12:00"}\n\n') * len(told)
    spent = sum(client.read for client in told) - read - beats
    for task in (*tasks, *first):
        task.cancel()
    await asyncio.gather(*tasks, *first, return_exceptions=True)
    late.sort()
    return {
        "screens": len(clients),
        "calls": calls,
        "median_ms": statistics.median(late),
        "p95_ms": late[math.ceil(len(late) * 0.95) - 1],
        "most_ms": late[-1],
        "not_heard": missed,
        "bytes_a_call": spent / calls / len(told),
        "cpu_ms_a_call": cpu * 1000 / calls,
        "kb_a_screen": (after - before) / len(clients),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
    }


def _web_process(platform: Platform) -> int:
    assert platform.process is not None
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            command = (entry / "cmdline").read_bytes()
        except (OSError, ValueError):
            continue
        if parent == platform.process.pid and b"yimen.web.process" in command:
            found.append(int(entry.name))
    (only,) = found
    return only


def _cpu(pid: int) -> float:
    """Seconds of processor time."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> float:
    """Resident kB."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")]
    return float(line.split()[1])


if __name__ == "__main__":
    raise SystemExit(main())
