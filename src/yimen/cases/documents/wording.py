"""
What a place may say in its own words on a document, and what it may not.

A template has five parts. Everything else of a document — what was decided, why, by when, by which law, what can be
done against it — comes from the case and stands in no template.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from string import Formatter
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yimen.cases.models import Notice, NoticeTemplate
from yimen.lib import acts

# Parts made of paragraphs, and the most of them; the others are one line.
PARAGRAPHS = {"opening": 3, "closing": 5}
LONGEST = 200
# Dated local rules that documents name.
LOCAL_RULES = ("reconsideration_days", "lawsuit_months")
# What the law wants said is said by the document itself, in one wording everywhere.
RESERVED = ("行政复议", "复议机关", "行政诉讼", "起诉", "最终裁决", "不予许可", "准予许可")


@dataclass(frozen=True)
class Part:
    """
    One part of a template. must: the placeholders it may not do without. is_needed: it may not be empty.

    never: kinds that do not have it.
    """

    key: str
    name: str | Promise
    meaning: str | Promise
    must: frozenset[str] = frozenset()
    is_needed: bool = True
    has_placeholders: bool = True

    @property
    def most(self) -> int:
        return PARAGRAPHS.get(self.key, 1)


PARTS = (
    Part(
        "opening",
        gettext_lazy("开头的话"),
        gettext_lazy("抬头和正文之间，最多 3 段，可以不写。"),
        is_needed=False,
    ),
    Part(
        "closing",
        gettext_lazy("结尾的话"),
        gettext_lazy("正文以后、落款以前，最多 5 段，可以不写。"),
        is_needed=False,
    ),
    Part(
        "query",
        gettext_lazy("怎么查进度"),
        gettext_lazy("一句话，必须写出查询的网址。"),
        must=frozenset({"site"}),
    ),
    Part(
        "contact",
        gettext_lazy("有疑问找谁"),
        gettext_lazy("页脚第一行，必须有电话。"),
        must=frozenset({"phone"}),
    ),
    Part(
        "seal",
        gettext_lazy("盖什么章"),
        gettext_lazy("印章的名称，印在落款下面。"),
        has_placeholders=False,
    ),
)
BY_KEY = {part.key: part for part in PARTS}

# Named places in a text, each with what it becomes.
PLACEHOLDERS: dict[str, str | Promise] = {
    "organ": gettext_lazy("发文机关"),
    "center": gettext_lazy("政务服务中心"),
    "address": gettext_lazy("中心的地址"),
    "hours": gettext_lazy("中心的开放时间"),
    "phone": gettext_lazy("咨询电话"),
    "site": gettext_lazy("查询的网址"),
    "case_no": gettext_lazy("办件编号"),
    "item": gettext_lazy("事项名称"),
    "applicant": gettext_lazy("申请人"),
    "date": gettext_lazy("发文日期"),
}
_STANDARD: dict[str, Any] = {
    "opening": [],
    "closing": [],
    "query": "随时可以查进度：打开 {site}，输入办件编号和手机号后四位。",
    "contact": "{organ}，咨询电话 {phone}",
    "seal": "行政审批专用章",
}
_SEALS = {Notice.Kind.RECEIPT: "收件专用章"}


def standard(kind: str) -> dict[str, Any]:
    """Return the words every document of this kind has where the place has none of its own."""
    return _STANDARD | {"seal": _SEALS.get(Notice.Kind(kind), _STANDARD["seal"])}


def words_for(kind: str, parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return all parts: the place's own where it has them, else the standard's."""
    return standard(kind) | {key: value for key, value in parts.items() if key in BY_KEY}


def filled(words: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """Return `words` with every placeholder replaced. Raises KeyError for one that has no value."""
    return {
        key: [_fill(text, values) for text in value] if isinstance(value, list) else _fill(value, values)
        for key, value in words.items()
    }


_NAMED = re.compile(r"\{(\w*)\}")


def _fill(text: str, values: Mapping[str, str]) -> str:
    return _NAMED.sub(lambda found: values[found[1]], text)


def placeholders(text: str) -> list[str] | None:
    """Return the names between braces in `text`; None when the braces do not match."""
    try:
        found = list(Formatter().parse(text))
    except ValueError:
        return None
    if any(conversion or spec for _text, _name, spec, conversion in found):
        return None
    if any("{" in said or "}" in said for said, _name, _spec, _conversion in found):
        return None  # doubled braces
    return [name for _text, name, _spec, _conversion in found if name is not None]


@dataclass(frozen=True)
class Finding:
    """What is wrong with one part, in a whole sentence."""

    part: str
    text: str


def findings(parts: Mapping[str, Any], *, can_print: Callable[[str], Sequence[str]]) -> list[Finding]:
    """
    Return everything that keeps these words from being used, part by part; [] when they may be.

    can_print: returns the characters of a text the documents' fonts lack.
    """
    found: list[Finding] = []
    for part in PARTS:
        if part.key not in parts:
            continue
        value = parts[part.key]
        texts = [str(text) for text in value] if isinstance(value, list) else [str(value)]
        say = _Saying(part, found)
        if len(texts) > part.most:
            say(_("最多写 %(n)s 段，现在有 %(count)s 段。") % {"n": part.most, "count": len(texts)})
        if part.is_needed and not any(text.strip() for text in texts):
            say(_("不能是空的。"))
            continue
        named: set[str] = set()
        for text in texts:
            named |= _check(text, part, say, can_print)
        for name in sorted(part.must - named):
            values = {"name": "{" + name + "}", "meaning": PLACEHOLDERS[name]}
            say(_("必须有 %(name)s（%(meaning)s）。") % values)
    unknown = set(parts) - set(BY_KEY)
    found += [Finding(key, _("没有“%(key)s”这一部分。") % {"key": key}) for key in sorted(unknown)]
    return found


@dataclass
class _Saying:
    part: Part
    found: list[Finding]

    def __call__(self, sentence: str) -> None:
        self.found.append(Finding(self.part.key, sentence))


def _check(text: str, part: Part, say: _Saying, can_print: Callable[[str], Sequence[str]]) -> set[str]:
    if len(text) > LONGEST:
        say(_("一段最多 %(n)s 个字。") % {"n": LONGEST})
    names = placeholders(text)
    if names is None:
        say(_("花括号没有配对。占位符写成 {phone} 这样，一个名字，没有空格。"))
        return set()
    if names and not part.has_placeholders:
        say(_("这里不能用占位符。"))
        return set()
    for name in names:
        if name not in PLACEHOLDERS:
            say(_("没有 %(name)s 这个占位符。") % {"name": "{" + name + "}"})
    for word in RESERVED:
        if word in text:
            say(_("“%(word)s”由法律规定怎么说，文书自己会写，模板里不能写。") % {"word": word})
    if missing := can_print(text):
        # The screen may lack them too, so each comes with its code.
        named = (f"{one}（U+{ord(one):04X}）" for one in missing)
        say(_("这些字打不出来：%(characters)s。") % {"characters": "、".join(named)})
    return set(names)


def in_force(region: str, kind: str, on: date) -> NoticeTemplate | None:
    """Return the edition of the region's own words that counts on a day; None where the standard counts."""
    found = acts.remembered(key(region, kind, on), acts.UNREAD)
    return editions(region, kind, on).first() if found is acts.UNREAD else found


def editions(region: Any, kind: Any, on: Any) -> QuerySet[NoticeTemplate]:
    """Return the region's own words for a kind of document up to a day, those that count first."""
    known = NoticeTemplate.objects.filter(region_id=region, kind=kind, effective_on__lte=on, approved_at__isnull=False)
    return known.order_by("-effective_on", "-number")


def key(region: str, kind: str, on: date) -> tuple[object, ...]:
    """Under what lib.acts remembers a region's words for the rest of an act."""
    return NoticeTemplate, region, str(kind), on
