"""yimen search QUERY: what the catalogue answers, best first."""

import argparse
import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen.lib.errors import DomainError

if TYPE_CHECKING:
    from yimen.catalog.models import ServiceItem

HELP = gettext_lazy("在已发布的事项里找，按贴近程度列出编码；找不到时是空的清单。")
NEEDS_DATABASE = True


class NothingAsked(DomainError):
    """Neither a query nor a file with queries was given, the file cannot be read, or so many are never listed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query", nargs="?", default="", help=str(gettext_lazy("要办的事，照平常说的写")))
    parser.add_argument("--limit", type=int, default=10, help=str(gettext_lazy("最多几项，1 到 40，不写是 10")))
    parser.add_argument("--region", default="", help=str(gettext_lazy("哪个区划；不写就是全部")))
    parser.add_argument("--format", choices=["table", "json"], default="table", help=str(gettext_lazy("输出的样子")))
    many = gettext_lazy("一批要办的事：一行一个，写文字或者带 query 的 JSON；每行输出一行 JSON")
    parser.add_argument("--queries", type=Path, help=str(many))


def run(args: argparse.Namespace) -> int:
    """Return 0, also when nothing was found. Raises NothingAsked."""
    from yimen.catalog.queries.finding import MOST_RANKED
    from yimen.people.models import Region

    if not 1 <= args.limit <= MOST_RANKED:
        raise NothingAsked(_("--limit 要写 1 到 %(most)d：再往后的离要找的事太远。") % {"most": MOST_RANKED})
    if args.region and not Region.objects.filter(pk=args.region).exists():
        raise NothingAsked(_("没有代码是 %(code)s 的区划，请先建好，或者不写 --region。") % {"code": args.region})
    region = args.region or None
    if args.queries:
        for said in _lines(args.queries):
            rows = _rows(said["query"], args.limit, region)
            print(json.dumps({**said, "results": rows}, ensure_ascii=False), flush=True)
        return 0
    if not args.query.strip():
        raise NothingAsked(_("请写要找的事，例如：yimen search 开饭馆"))
    rows = _rows(args.query, args.limit, region)
    if args.format == "json":
        print(json.dumps(rows, ensure_ascii=False, indent=1))
    elif rows:
        for row in rows:
            print(f"{row['score']:.2f}  {row['task_code']}  {row['name']}")
    else:
        print(_("目录里没有找到。"), file=sys.stderr)
    return 0


def _rows(query: str, limit: int, region: str | None) -> list[dict[str, Any]]:
    from yimen.catalog import queries

    found = queries.search(query, limit, region=region)
    return [
        {
            "task_code": _code(item),
            "name": item.name,
            "score": round(item.score, 4),  # type: ignore[attr-defined]
        }
        for item in found
    ]


def _code(item: "ServiceItem") -> str:
    """Return the code as the list it came from writes it: addresses are too long to be an implementation code."""
    from yimen.catalog.models import SOURCE_CODE

    said = item.published.extended.get(SOURCE_CODE) if item.published else None
    return str(said or item.task_code)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise NothingAsked(_("读不了 %(name)s，请看路径，文件要用 UTF-8。") % {"name": path}) from error
    for line in filter(None, map(str.strip, text.splitlines())):
        said: Any = line
        if line.startswith("{"):
            with contextlib.suppress(ValueError):
                said = json.loads(line)
        yield said if isinstance(said, dict) and isinstance(said.get("query"), str) else {"query": line}
