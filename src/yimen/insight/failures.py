"""
Why applications for an item fail (S4-13): what was missing, why it was not accepted, which step said no.

What people wrote stays in the case: free text only decides which of a few fixed kinds of reason is counted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen.insight.ledger_report import check_period
from yimen.lib.dates import begin_of


class Stage(StrEnum):
    """Where it failed."""

    MISSING = "missing"
    DECLINED = "declined"
    REJECTED = "rejected"
    REFUSED = "refused"


STAGES: dict[str, str | Promise] = {
    Stage.MISSING: gettext_lazy("收件时缺材料"),
    Stage.DECLINED: gettext_lazy("不予受理"),
    Stage.REJECTED: gettext_lazy("步骤没通过"),
    Stage.REFUSED: gettext_lazy("不予许可"),
}

# The first kind whose words a reason has is its kind; the order goes from the most telling to the most general.
_KINDS: tuple[tuple[str, str | Promise, str], ...] = (
    ("untrue", gettext_lazy("材料不真实"), "虚假|伪造|不真实|不属实|造假"),
    ("repeated", gettext_lazy("已经办过或者重复申请"), "重复|已经?办过|已有|已领"),
    ("elsewhere", gettext_lazy("不归本机关办"), "不属于|不归|职权|管辖|归.{0,20}(办|管)|应(当|该)?(到|向)"),
    ("premises", gettext_lazy("场所或者设施不合要求"), "场所|场地|现场|布局|设施|设备|选址|消防|卫生"),
    ("materials", gettext_lazy("材料不全或者不对"), "材料|缺|不齐|证件|证明|复印件|签字|盖章|过期"),
    ("quota", gettext_lazy("名额或者数量已满"), "名额|限额|数量|已满"),
    ("condition", gettext_lazy("条件不符合"), "条件|不符|未满|不满|年龄|户籍|资格|标准|要求"),
)
OTHER = "other"
KIND_WORDS: dict[str, str | Promise] = {key: words for key, words, _pattern in _KINDS} | {
    OTHER: gettext_lazy("其他原因")
}
_PATTERNS = [(key, re.compile(pattern)) for key, _words, pattern in _KINDS]


def reason_kind(text: str) -> str:
    """Return the kind of a written reason, a key of KIND_WORDS; nothing of the text itself."""
    return next((key for key, pattern in _PATTERNS if pattern.search(text)), OTHER)


@dataclass(frozen=True)
class Failure:
    """One reason of one item. what: a material, a step or a kind of reason; count: cases."""

    item: UUID
    stage: str
    what: str
    count: int

    @property
    def stage_words(self) -> str:
        return str(STAGES[self.stage])


# Handed in later, missing still, or noted as handed in after the receipt: it was not there when the papers were taken.
_SQL = """
SELECT item_id, stage, what, count(*) FROM (
    SELECT c.item_id, 'missing' AS stage, btrim(m.name) AS what, c.id
    FROM cases_case c JOIN cases_casematerial cm ON cm.case_id = c.id AND cm.state IN ('missing', 'later')
    JOIN catalog_itemmaterial m ON m.id = cm.material_id AND m.necessity <> 'optional' AND m.source <> 'shared'
    WHERE c.region_id = %(region)s AND c.received_at >= %(begin)s AND c.received_at < %(until)s {only}
    UNION
    SELECT c.item_id, 'missing', btrim(m.name), c.id
    FROM ledger_event e CROSS JOIN LATERAL jsonb_each_text(e.data->'states') AS noted (material, state)
    JOIN cases_case c ON c.region_id = %(region)s AND c.id = substr(e.stream, 6)::uuid
    JOIN catalog_itemmaterial m ON m.id = noted.material::uuid AND m.necessity <> 'optional' AND m.source <> 'shared'
    WHERE e.region = %(region)s AND e.kind = 'case.materials_noted' AND e.at >= %(begin)s
          AND c.received_at >= %(begin)s AND c.received_at < %(until)s {only}
    UNION ALL
    SELECT c.item_id, 'rejected', t.name, c.id
    FROM cases_case c JOIN cases_task t ON t.case_id = c.id AND t.outcome = 'rejected' AND t.kind <> 'decide'
    WHERE c.region_id = %(region)s AND c.received_at >= %(begin)s AND c.received_at < %(until)s {only}
    UNION ALL
    SELECT c.item_id, CASE c.status WHEN 'declined' THEN 'declined' ELSE 'refused' END, c.reasons, c.id
    FROM cases_case c
    WHERE c.region_id = %(region)s AND c.received_at >= %(begin)s AND c.received_at < %(until)s
          AND (c.status = 'declined' OR c.outcome = 'refused') {only}
) AS failed GROUP BY 1, 2, 3
"""


def failures(
    region: str,
    start: date,
    end: date,
    *,
    item: UUID | None = None,
    departments: Sequence[Any] | None = None,
) -> list[Failure]:
    """
    Return the reasons of the cases received from `start` through `end`, the most frequent first, in one statement.

    One case may count under several reasons. Raises BadPeriod.
    """
    check_period(start, end)
    values: dict[str, Any] = {
        "region": region,
        "begin": begin_of(start),
        "until": begin_of(end + timedelta(days=1)),
    }
    only = ""
    if item is not None:
        only, values["item"] = only + " AND c.item_id = %(item)s", item
    if departments is not None:
        only, values["departments"] = only + " AND c.department_id = ANY(%(departments)s)", list(departments)
    counts: dict[tuple[UUID, str, str], int] = {}
    with connection.cursor() as cursor:
        cursor.execute(_SQL.format(only=only), values)
        for pk, stage, what, count in cursor.fetchall():
            if stage in (Stage.DECLINED, Stage.REFUSED):
                what = reason_kind(what)
            key = (pk, stage, what)
            counts[key] = counts.get(key, 0) + count
    found = [
        Failure(pk, stage, str(KIND_WORDS[what]) if stage in (Stage.DECLINED, Stage.REFUSED) else what, count)
        for (pk, stage, what), count in counts.items()
    ]
    return sorted(found, key=lambda one: (-one.count, one.stage, one.what, one.item))


@dataclass(frozen=True)
class ItemFailures:
    """One item's reasons, the most frequent first; count: all of them together."""

    item: UUID
    name: str
    department: str
    top: Sequence[Failure]
    count: int


def by_item(found: Sequence[Failure], *, most: int = 3) -> list[ItemFailures]:
    """Return the items with failures, the ones with the most first, each with its `most` top reasons."""
    from yimen.catalog.models import ServiceItem

    of_item: dict[UUID, list[Failure]] = {}
    for one in found:
        of_item.setdefault(one.item, []).append(one)
    names = ServiceItem.objects.filter(pk__in=of_item).values_list("pk", "name", "department__name")
    rows = [
        ItemFailures(pk, name, unit, of_item[pk][:most], sum(one.count for one in of_item[pk]))
        for pk, name, unit in names
    ]
    return sorted(rows, key=lambda row: (-row.count, row.name))


def sentence(one: Failure) -> str:
    return _("%(stage)s：%(what)s，%(count)s 件") % {
        "stage": one.stage_words,
        "what": one.what,
        "count": f"{one.count:,}",
    }
