"""python -m yimen.faults [--short] [--broken] [REL-1 …]: exit code 1 when a promise did not hold."""

import argparse
import sys
import time
from datetime import UTC, datetime

from yimen.faults.platform import configure, remove


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m yimen.faults", description=__doc__)
    parser.add_argument("checks", nargs="*", metavar="REL-…", help="all of them when none is named")
    parser.add_argument("--short", action="store_true", help="smaller and quicker, for CI")
    parser.add_argument("--broken", action="store_true", help="break the platform first: the check must fail")
    args = parser.parse_args(argv)
    folder = configure()

    from yimen.faults import seed
    from yimen.faults.checks import CHECKS, Run
    from yimen.lib.supervise import raise_descriptor_limit

    names = [name.upper() for name in args.checks] or list(CHECKS)
    if unknown := [name for name in names if name not in CHECKS]:
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(CHECKS)}")
    raise_descriptor_limit()
    failed = 0
    try:
        run = Run(folder, folder / "golden", short=args.short, broken=args.broken)
        seed.prepare(run.golden, now=datetime.now(UTC))
        for name in names:
            started = time.monotonic()
            result = CHECKS[name](run)
            failed += not result.is_held
            print(f"{result}\n    {time.monotonic() - started:.0f} s", flush=True)
    finally:
        remove(folder)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
