"""`yimen ledger verify` and `yimen ledger seal`."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen.ledger import seals, verify

HELP = gettext_lazy("核对台账有没有被改过（verify），或现在就封存一次（seal）")
NEEDS_DATABASE = True
TAMPERED = 1
USAGE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("act", choices=["verify", "seal"], help=_("verify 核对，seal 封存"))
    parser.add_argument(
        "--seals",
        type=Path,
        metavar="PATH",
        help=_("数据库之外的封印文件或文件夹，默认是本机的 seals 文件夹；最好用搬到别处的那一份"),
    )
    parser.add_argument("--format", choices=["text", "json"], default="text", help=_("结果的写法"))


def run(args: argparse.Namespace) -> int:
    return _verify(args) if args.act == "verify" else _seal(args)


def _seal(args: argparse.Namespace) -> int:
    seal = seals.seal(timezone.now())
    count = seals.publish(args.seals)
    _say(
        args,
        {"sealed": seal.row_count if seal else 0, "published": count},
        _("封存了 %(rows)d 条，写出 %(seals)d 枚封印。") % {"rows": seal.row_count if seal else 0, "seals": count},
    )
    return 0


def _verify(args: argparse.Namespace) -> int:
    outside = args.seals or (settings.SEALS if settings.SEALS.exists() else None)
    try:
        report = verify.verify(outside, _progress if sys.stderr.isatty() else None)
    except ValueError as error:
        print(_("封印文件的这一行看不懂：%(where)s。") % {"where": error}, file=sys.stderr)
        return USAGE
    lines = [
        _("%(rows)s 条，%(streams)s 条链，%(seals)s 枚封印，其中 %(outside)s 枚和外部文件对过；%(unsealed)s 条没封存。")
        % {
            "rows": f"{report.row_count:,}",
            "streams": f"{report.stream_count:,}",
            "seals": f"{report.seal_count:,}",
            "outside": f"{report.outside_count:,}",
            "unsealed": f"{report.unsealed_count:,}",
        },
        _("用时 %(seconds).1f 秒，每秒 %(rate)s 条。")
        % {"seconds": report.seconds, "rate": f"{report.rows_per_second:,}"},
    ]
    if report.is_renumbered:
        lines.append(_("记录里的事务号比这台服务器的还大，封存会停下来。见 docs/rules/ledger.md“换服务器之后”。"))
    lines.append(
        _("台账完好。") if report.fault is None else _("台账被改过。第一处：%(fault)s") % {"fault": report.fault}
    )
    _say(args, _as_json(report), "\n".join(lines))
    return 0 if report.is_intact else TAMPERED


def _as_json(report: verify.Report) -> dict[str, Any]:
    fault = report.fault
    return {
        "intact": report.is_intact,
        "rows": report.row_count,
        "streams": report.stream_count,
        "seals": report.seal_count,
        "compared_outside": report.outside_count,
        "unsealed": report.unsealed_count,
        "sealed_until": report.sealed_until.isoformat() if report.sealed_until else None,
        "renumbered": report.is_renumbered,
        "seconds": round(report.seconds, 3),
        "rows_per_second": report.rows_per_second,
        "first_fault": fault
        and {
            "what": fault.what,
            "region": fault.region,
            "stream": fault.stream,
            "seq": fault.seq,
            "id": fault.row_id,
            "after_id": fault.after,
            "until_id": fault.until,
        },
    }


def _say(args: argparse.Namespace, values: dict[str, Any], text: str) -> None:
    print(json.dumps(values, ensure_ascii=False) if args.format == "json" else text)


def _progress(done: int, total: int) -> None:
    width = 30
    filled = width * done // total if total else width
    print(f"\r{'█' * filled}{'·' * (width - filled)} {done:,}/{total:,}", end="", file=sys.stderr, flush=True)
    if done >= total:
        print(file=sys.stderr)
