"""
How many documents two processes set and seal a minute: python -m yimen.bench.documents [seconds].

Each is drawn from frozen facts as it is when somebody opens it; sealing adds the local signer and the check of what
it signed. No database: what it costs is the processor's alone.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from yimen.bench.measure import Figure, figure

PROCESSES = 2
KINDS = ("receipt", "decision")


def run(*, seconds: float) -> list[Figure]:
    """Return documents a second in PROCESSES processes, without and with seals."""
    rows = []
    for what, is_sealed in (("documents set", False), ("documents set and sealed", True)):
        context = multiprocessing.get_context("spawn")
        with tempfile.TemporaryDirectory() as folder, context.Pool(PROCESSES) as pool:
            took = pool.starmap(_work, [(folder, n, seconds, is_sealed) for n in range(PROCESSES)])
        processor = sum(one[1] for one in took) / sum(len(one) - 2 for one in took)
        rows.append(
            figure(
                f"{what}, {processor * 1000:.0f} ms of processor",
                PROCESSES,
                [max(one[0] for one in took), *(t for one in took for t in one[2:])],
            )
        )
    return rows


def _work(folder: str, n: int, seconds: float, is_sealed: bool) -> list[float]:
    import django

    django.setup()
    from yimen.cases.documents import samples
    from yimen.lib import pdf, signing

    at = datetime(2026, 11, 18, 1, 5, tzinfo=UTC)
    signer = signing.LocalSigner(Path(folder) / f"{n}.pem", at=at)
    seal = {"name": "行政审批专用章", "date": "2026 年 11 月 18 日", "is_demo": True}

    def one(m: int) -> None:
        kind = KINDS[m % len(KINDS)]
        data = samples.sample(kind, {}) | {"number": f"演受〔2026〕{n}{m:06d}号", "eseal": seal if is_sealed else None}
        made = pdf.render(samples.template_of(kind), data)
        if is_sealed:
            sealed = signing.seal(made, signer, at=at)
            assert signing.verify(sealed, [signer.certificate]).is_good

    one(0)
    one(1)
    took, m = [0.0, 0.0], 1
    began, used = time.perf_counter(), time.process_time()
    while (now := time.perf_counter()) - began < seconds:
        m += 1
        one(m)
        took.append(time.perf_counter() - now)
    took[0], took[1] = time.perf_counter() - began, time.process_time() - used
    return took


if __name__ == "__main__":
    for row in run(seconds=float(sys.argv[1]) if len(sys.argv) > 1 else 10):
        print(f"{row.what:<56}{row.per_second * 60:>8.0f} a minute{row.median_ms:>8.0f} ms median")
