"""Two editions of an item side by side on paper (S0-22): the comparison as it is on the page, A4."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils import translation
from django.utils.timezone import localdate, localtime
from django.utils.translation import gettext as _

from yimen.catalog.models import ServiceItem
from yimen.catalog.queries import editions
from yimen.catalog.rules.compare import Change, Comparison, ListChange
from yimen.lib import pdf
from yimen.lib.dates import long_day


def compare_pdf(item: ServiceItem, old: int, new: int, *, at: datetime) -> bytes | None:
    """
    Return the comparison of two editions by number as PDF/A, in Chinese like all papers; None when one is missing.

    item: with its department loaded.
    """
    with translation.override("zh-hans"):
        found = editions.compare_editions(item, old, new)
        if found is None:
            return None
        data = {
            "issued_at": localtime(at).isoformat(),
            "name": item.name,
            "organ": item.department.name,
            "code": item.task_code,
            "old": _("第 %(number)d 版") % {"number": found.old},
            "new": _("第 %(number)d 版") % {"number": found.new},
            "date": long_day(localdate(at)),
            "summary": found.summary,
            "sentences": _sentences(found),
            "parts": _parts(found),
        }
    return pdf.render("catalog/typst/compare.typ", data)


def _sentences(found: Comparison) -> list[str]:
    said = []
    if found.days_saved:
        said.append(
            _("承诺的时间少了 %(n)s 天。") % {"n": found.days_saved}
            if found.days_saved > 0
            else _("承诺的时间变长了。")
        )
    if found.path and found.path[0] != found.path[1]:
        said.append(
            _("流程最长要走：%(before)s → %(after)s 个工作日。") % {"before": found.path[0], "after": found.path[1]}
        )
    if found.is_same:
        said.append(_("这两版说的一样"))
    return said


def _parts(found: Comparison) -> list[dict[str, object]]:
    lists = {_("材料"): found.materials, _("步骤"): found.steps, _("收费"): found.fees, **found.lists}
    parts = [_list(title, change) for title, change in lists.items() if change.is_any]
    if found.fields:
        changed = [{"name": "", "changes": _changes(found.fields)}]
        parts.append({"title": _("各栏"), "removed": [], "added": [], "changed": changed})
    return parts


def _list(title: str, change: ListChange) -> dict[str, object]:
    return {
        "title": _("%(title)s：%(before)d → %(after)d")
        % {"title": title, "before": change.before, "after": change.after},
        "removed": [line.name for line in change.removed],
        "added": [line.name for line in change.added],
        "changed": [{"name": line.name, "changes": _changes(line.changes)} for line in change.changed],
    }


def _changes(changes: Sequence[Change]) -> list[dict[str, object]]:
    return [
        {
            "label": change.label,
            "before": [{"state": one.state, "text": one.text} for one in change.pieces if one.state != "new"],
            "after": [{"state": one.state, "text": one.text} for one in change.pieces if one.state != "gone"],
        }
        for change in changes
    ]
