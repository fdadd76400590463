"""`yimen archive verify FILE`: whether an archive is as it was packed. Needs no database."""

import argparse
import json
import sys
from pathlib import Path

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

HELP = gettext_lazy("核对一份电子档案有没有被改过，不需要数据库")
NEEDS_DATABASE = False
TAMPERED = 1
USAGE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("act", choices=["verify"], help=_("verify 核对"))
    parser.add_argument("file", type=Path, metavar="FILE", help=_("档案文件（zip）"))
    parser.add_argument("--sha256", default="", metavar="HASH", help=_("登记簿或台账里记的整个文件的 SHA-256"))
    parser.add_argument("--seals", type=Path, metavar="PEM", help=_("认得的印章证书；不给就用档案里自带的"))
    parser.add_argument("--format", choices=["text", "json"], default="text", help=_("结果的写法"))


def run(args: argparse.Namespace) -> int:
    from yimen.cases.documents import archive
    from yimen.lib import signing

    if not args.file.is_file():
        print(_("没有这个文件：%(path)s。") % {"path": args.file}, file=sys.stderr)
        return USAGE
    try:
        trusted = signing.all_of(args.seals.read_text()) if args.seals else None
    except (OSError, ValueError):
        print(_("印章证书读不出来：%(path)s。要一个 PEM 文件。") % {"path": args.seals}, file=sys.stderr)
        return USAGE
    report = archive.verify(args.file, trusted=trusted)
    other = bool(args.sha256) and args.sha256.strip().lower() != report.sha256
    is_good = report.fault is None and not other
    if args.format == "json":
        said = {
            "intact": is_good,
            "sha256": report.sha256,
            "sha256_as_registered": None if not args.sha256 else not other,
            "number": report.manifest.get("number", ""),
            "documents": report.document_count,
            "sealed": report.sealed_count,
            "ledger_rows": report.row_count,
            "seals": report.seals,
            "first_fault": report.fault and {"entry": report.fault.entry, "what": report.fault.what},
        }
        print(json.dumps(said, ensure_ascii=False))
        return 0 if is_good else TAMPERED
    values = {
        "number": report.manifest.get("number", ""),
        "documents": report.document_count,
        "sealed": report.sealed_count,
        "rows": report.row_count,
    }
    print(_("%(number)s：文书 %(documents)s 份，其中 %(sealed)s 份有电子印章；办理经过 %(rows)s 条。") % values)
    print(f"SHA-256 {report.sha256}")
    if report.fault is not None:
        where = report.fault.entry or _("整个文件")
        print(_("档案被改过。第一处：%(where)s（%(what)s）。") % {"where": where, "what": report.fault.what})
    elif other:
        print(_("档案内部对得上，但不是登记的那一份：哈希值不同。"))
    else:
        print(_("档案完好。"))
    return 0 if is_good else TAMPERED
