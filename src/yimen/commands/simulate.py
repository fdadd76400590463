"""yimen simulate replay FILE --servers N: what the waits would have been with so many windows."""

import argparse
import json
import re
import sys
from pathlib import Path

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

HELP = gettext_lazy("模拟排队：一份到达和办理时间的记录，换几个窗口会等多久")
NEEDS_DATABASE = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="act", required=True, metavar="replay")
    replay = acts.add_parser("replay", help=_("按先来先办重放一份 CSV（arrival_s,service_s，单位秒）"))
    replay.add_argument("file", type=Path, metavar="FILE", help=_("CSV 文件，可以是 .gz；行按到达先后排"))
    replay.add_argument("--servers", type=_servers, required=True, metavar="N", help=_("几个窗口"))
    replay.add_argument("--over", type=_limit, action="append", metavar="SECONDS", help=_("等超过这么多秒的占多少"))
    replay.add_argument("--sort", action="store_true", help=_("行不按先后也收，先排好；不加就拒收"))
    replay.add_argument("--format", choices=["text", "json"], default="text", help=_("输出格式，默认文字"))


def run(args: argparse.Namespace) -> int:
    from yimen.insight import replays

    if args.file.is_dir() or not args.file.exists():
        raise replays.UnreadableReplay(_("找不到文件 %(name)s。") % {"name": args.file})
    customers = replays.read(args.file, sort=args.sort)
    # Compiling takes longer than playing a short file as it is.
    fast = None if len(customers.arrival) > 200_000 else False
    found = replays.play(customers, args.servers, limits=sorted(set(args.over or replays.LIMITS)), fast=fast)
    if args.format == "json":
        sys.stdout.write(json.dumps(found.as_json(), ensure_ascii=False, indent=1) + "\n")
        return 0
    shown = found.as_json()
    lines = [
        _("%(customers)s 人，%(servers)s 个窗口，先来先办。")
        % {"customers": f"{found.customers:,}", "servers": found.servers},
        _("平均等 %(mean)s 秒，最长 %(most)s 秒；一半人不超过 %(p50)s 秒，九成 %(p90)s 秒，九成九 %(p99)s 秒。")
        % {
            "mean": shown["mean_wait_s"],
            "most": shown["max_wait_s"],
            "p50": shown["p50_wait_s"],
            "p90": shown["p90_wait_s"],
            "p99": shown["p99_wait_s"],
        },
        *(
            _("等超过 %(limit)s 秒的占 %(share)s。") % {"limit": limit, "share": f"{share:.1%}"}
            for limit, share in found.share_over.items()
        ),
        _("窗口有 %(share)s 的时间在办理。") % {"share": f"{found.utilisation:.1%}"},
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _servers(text: str) -> int:
    from yimen.insight.replays import MOST_SERVERS

    if not re.fullmatch(r"\d{1,5}", text, re.ASCII) or not 1 <= int(text) <= MOST_SERVERS:
        raise argparse.ArgumentTypeError(
            _("%(text)s 不行，请写 1 到 %(most)s 的整数") % {"text": text[:40], "most": f"{MOST_SERVERS:,}"}
        )
    return int(text)


def _limit(text: str) -> int:
    if not re.fullmatch(r"\d{1,6}", text, re.ASCII):
        raise argparse.ArgumentTypeError(_("%(text)s 不是秒数") % {"text": text[:40]})
    return int(text)
