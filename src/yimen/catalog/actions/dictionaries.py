"""Writes to the code lists exports use (ITEM-13)."""

from __future__ import annotations

import re
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from yimen.catalog.actions.calendar import NATION
from yimen.catalog.actions.common import LEAST_REASON
from yimen.catalog.models import DictionaryTerm
from yimen.catalog.rules.codelists import KINDS, OPEN_KINDS, SHIPPED
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib.errors import DomainError
from yimen.people import access, reasons

TERM_SET = "catalog.term_set"
_CODE = re.compile(r"[0-9A-Za-z_.-]{1,20}", re.ASCII)


class BadTerm(DomainError):
    """The term cannot be saved; the message says which part and why."""


@transaction.atomic
def set_term(
    kind: str, key: str, *, code: str, label: str, effective_on: date, reason: str, by: Actor, at: datetime
) -> DictionaryTerm:
    """
    Say what exports write for our word `key` from a day on; a new key of an open kind is a new word to choose.

    Raises BadTerm, access.NotAllowed.
    """
    access.require(by, "catalog.calendar")
    key, code, label = key.strip(), code.strip(), label.strip()
    if kind not in KINDS:
        raise BadTerm(_("没有“%(kind)s”这张代码表。") % {"kind": kind})
    if kind not in OPEN_KINDS and key not in {term.key for term in SHIPPED[kind]}:
        raise BadTerm(_("“%(key)s”不在这张表里，这张表不能加新的。") % {"key": key})
    # Widths of the columns these words are written into.
    if not key or len(key) > 20 or "\x00" in key or "、" in key:
        raise BadTerm(_("“%(key)s”要有 1 到 20 个字，不带顿号。") % {"key": key[:40]})
    if not _CODE.fullmatch(code):
        raise BadTerm(_("代码“%(code)s”只能用 1 到 20 位数字和字母。") % {"code": code[:40]})
    if not label or len(label) > 80 or "\x00" in label:
        raise BadTerm(_("对方的叫法要有 1 到 80 个字。"))
    if len(reason.strip()) < LEAST_REASON:
        raise BadTerm(_("请写明依据，至少 4 个字。"))
    row, is_new = DictionaryTerm.objects.select_for_update().get_or_create(
        kind=kind, key=key, effective_on=effective_on, defaults={"code": code, "label": label}
    )
    if not is_new and (row.code, row.label) == (code, label):
        return row
    row.code, row.label = code, label
    row.save(update_fields=["code", "label"])
    data = {
        "key": key,
        "code": code,
        "label": label,
        "effective_on": effective_on.isoformat(),
    }
    stream = f"dictionary:{kind}"
    data |= reasons.keep(stream, TERM_SET, reason, region=None, by=by, at=at)
    ledger.record(stream, TERM_SET, region=NATION, by=by, at=at, data=data)
    return row
