"""python -m yimen.bench [--short] [--json]: a table of figures, beside the same SQL sent raw where there is one."""

import argparse
import json
import os
import sys
import time
from datetime import UTC, datetime
from typing import Any

from yimen.faults.platform import Platform, configure, orm, remove

WINDOWS = 8
PARTS = ("hall", "queues", "leaflets", "imports", "powers", "cases", "http", "search", "lifecycle")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m yimen.bench", description=__doc__)
    parser.add_argument("--short", action="store_true", help="under a minute; the figures scatter more")
    parser.add_argument("--items", type=int, default=10_000, help="how many the imported list has (1,000 with --short)")
    parser.add_argument("--cases", type=int, default=0, help="only the work lists, with so many cases loaded")
    parser.add_argument("--lifecycle", action="store_true", help="only a case's life of eight acts over HTTP")
    parser.add_argument("--only", default="", metavar="PART,…", help=f"only these of {', '.join(PARTS)}")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    args = parser.parse_args(argv)
    only = set(filter(None, args.only.split(",")))
    if wrong := only - set(PARTS):
        parser.error(f"{', '.join(sorted(wrong))}: not one of {', '.join(PARTS)}")
    folder = configure()
    started = time.monotonic()
    try:
        if args.cases:
            found = _lists(folder, args.cases, seconds=1.5 if args.short else 4.5)
        elif args.lifecycle:
            found = _lifecycle(folder, seconds=3 if args.short else 10)
        else:
            found = _measure(folder, short=args.short, items_in_list=1_000 if args.short else args.items, only=only)
    finally:
        remove(folder)
    found["seconds"] = round(time.monotonic() - started)
    print(json.dumps(found, ensure_ascii=False, indent=1) if args.json else _table(found))
    return 0


def _measure(folder: Any, *, short: bool, items_in_list: int, only: set[str]) -> dict[str, Any]:
    from yimen.bench import cases, hall, http, imports, items, leaflets, powers, queues, search
    from yimen.catalog.models import ItemMaterial
    from yimen.faults import seed
    from yimen.people.models import Staff

    seconds, count = (1.5, 150) if short else (4.5, 600)
    home = folder / "home"
    now = datetime.now(UTC)
    seed.prepare(home, windows=WINDOWS, now=now)
    known = seed.Seed.read(home)
    rows: list[Any] = []
    acts: dict[str, int] = {}
    requests: dict[str, int] = {}
    lived: dict[str, int] = {}

    def wanted(part: str) -> bool:
        return not only or part in only

    with Platform(home) as platform, orm(platform.urls):
        department = Staff.objects.select_related("department").get(pk=known.staff["clerk"]).department
        codes = items.fill(department)
        version = platform.rows("SHOW server_version")[0][0]
        durable = platform.rows("SELECT current_setting('fsync') || '/' || current_setting('synchronous_commit')")[0][0]
        if wanted("hall"):
            rows += hall.run(count, now)
        if wanted("queues"):
            rows += queues.run(now, short=short)
        if wanted("leaflets"):
            rows += leaflets.run(known.region, now, seconds=seconds)
        if wanted("imports"):
            rows += imports.bench(items_in_list)
        if wanted("powers"):
            rows += powers.run(known.region, now, seconds=seconds)
        if wanted("cases"):
            rows += cases.bench(known, platform.urls.app, seconds=seconds)
        if wanted("http"):
            materials = ItemMaterial.objects.filter(version__pk=known.versions["immediate"])
            parts = [str(pk) for pk in materials.values_list("pk", flat=True)]
            sample = codes[:: max(1, len(codes) // 50)]
            try:
                rows += http.bench(platform, known, seconds=seconds, materials=parts, codes=sample)
            except http.Unexpected:
                print(platform.last_words(), file=sys.stderr)
                raise
            (folder / "harness").mkdir(exist_ok=True)
            (folder / "harness" / "static").symlink_to(home / "static")  # pages rendered here name the collected files
            rows += http.render(seconds=seconds, codes=sample)
        if wanted("search") and not short:  # a hundred thousand items take a minute to make
            search.fill(department)
            rows += search.bench(department.region, platform, rounds=count)
        if wanted("lifecycle"):
            lives, lived = _lives(platform, known, seconds=2 * seconds)
            rows += lives
        if wanted("cases"):
            acts = cases.per_act(known)
        if wanted("http"):
            requests = http.statements(known, parts, codes[0])
    return {
        "machine": {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1), "python": sys.version.split()[0]},
        "postgresql": {"version": version, "fsync/synchronous_commit": durable},
        "items": len(codes),
        "statements_per_act": acts,
        "statements_per_life": lived,
        "statements_per_request": requests,
        "figures": [row.as_dict() for row in rows],
    }


def _lifecycle(folder: Any, *, seconds: float) -> dict[str, Any]:
    """A case's life of eight acts over HTTP (bench/lifecycle.py)."""
    from yimen.faults import seed

    home = folder / "home"
    seed.prepare(home, windows=WINDOWS, now=datetime.now(UTC))
    known = seed.Seed.read(home)
    with Platform(home) as platform, orm(platform.urls):
        rows, statements = _lives(platform, known, seconds=seconds)
        version = platform.rows("SHOW server_version")[0][0]
        durable = platform.rows("SELECT current_setting('fsync') || '/' || current_setting('synchronous_commit')")[0][0]
    return {
        "machine": {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1), "python": sys.version.split()[0]},
        "postgresql": {"version": version, "fsync/synchronous_commit": durable},
        "items": len(known.items),
        "statements_per_act": statements,
        "statements_per_request": {},
        "figures": [row.as_dict() for row in rows],
    }


def _lives(platform: Platform, known: Any, *, seconds: float) -> tuple[list[Any], dict[str, int]]:
    from yimen.bench import lifecycle

    try:
        return lifecycle.bench(lifecycle.prepare(known, WINDOWS), platform, seconds=seconds)
    except lifecycle.Unexpected:
        print(platform.last_words(), file=sys.stderr)
        raise


def _lists(folder: Any, cases: int, *, seconds: float) -> dict[str, Any]:
    """The pages people work through with `cases` cases loaded (bench/worklists.py)."""
    from yimen.bench import worklists
    from yimen.faults import seed

    home = folder / "home"
    seed.prepare(home, windows=WINDOWS, now=datetime.now(UTC))
    known = seed.Seed.read(home)
    with Platform(home) as platform, orm(platform.urls):
        took = worklists.fill(platform, known, cases)
        print(f"{cases:,} cases loaded in {took:.0f} s", file=sys.stderr)
        (folder / "harness").mkdir(exist_ok=True)
        (folder / "harness" / "static").symlink_to(home / "static")
        rows, statements = worklists.bench(known, seconds=seconds)
        version = platform.rows("SHOW server_version")[0][0]
        durable = platform.rows("SELECT current_setting('fsync') || '/' || current_setting('synchronous_commit')")[0][0]
    return {
        "machine": {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1), "python": sys.version.split()[0]},
        "postgresql": {"version": version, "fsync/synchronous_commit": durable},
        "items": len(known.items),
        "cases": cases,
        "statements_per_act": {},
        "statements_per_request": statements,
        "figures": [row.as_dict() for row in rows],
    }


def _table(found: dict[str, Any]) -> str:
    machine, database = found["machine"], found["postgresql"]
    acts = found["statements_per_act"]
    lines = [
        f"{machine['cores']} cores (load {machine['load']} when done), Python {machine['python']},"
        f" PostgreSQL {database['version']} (fsync/synchronous_commit {database['fsync/synchronous_commit']}),"
        f" {found['items']:,} items, {found['seconds']} s",
        "",
        f"{'what':<36}{'clients':>8}{'a second':>10}{'median ms':>11}{'p99 ms':>9}{'raw/s':>9}{'raw/ours':>10}",
    ]
    for row in found["figures"]:
        line = f"{row['what']:<36}{row['clients']:>8}{row['per_second']:>10.1f}"
        line += f"{row['median_ms']:>11.1f}{row['p99_ms']:>9.1f}"
        if row["ratio"]:
            line += f"{row['raw_per_second']:>9.1f}{row['ratio']:>10.2f}"
        if row["web_ms"]:
            line += f"   processor an act: web {row['web_ms']:.2f} ms, database {row['database_ms']:.2f} ms"
        lines.append(line)
    lines.append("")
    if acts:
        lines.append("statements a lifecycle: " + ", ".join(f"{act} {n}" for act, n in acts.items()))
        lines[-1] += f" = {sum(acts.values())}"
    if lived := found.get("statements_per_life"):
        lines.append(
            "statements a life over HTTP: "
            + ", ".join(f"{act} {n}" for act, n in lived.items())
            + f" = {sum(lived.values())}"
        )
    if requests := found["statements_per_request"]:
        lines.append("statements a request: " + ", ".join(f"{what} {n}" for what, n in requests.items()))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
