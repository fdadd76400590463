"""Writes: a register is set up, its copy renewed, and somebody is looked up in all of them at once (S0-9)."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib import crypto
from yimen.lib.each import is_cut_off
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Department, Region, Staff
from yimen.registers.models import Entry, LookUp, Register
from yimen.registers.sources import OWNER, SOURCES, VALUES, Answer, owner_index

LEAST_PURPOSE, LONGEST_PURPOSE = 4, 120
PURPOSE = "register.purpose"
MOST_ROWS = 1_000_000
_BATCH = 1000

log = logging.getLogger("yimen.registers")


class NotAsked(DomainError):
    """The question names nobody, or not what it is asked for."""


class BadRegister(DomainError):
    """A register's code, columns or rows are not right; the message names the row."""


@transaction.atomic
def open_register(
    *,
    region: Region,
    code: str,
    name: str,
    department: Department,
    columns: Iterable[tuple[str, str]],
    by: Actor,
    at: datetime,
    is_demo: bool = False,
) -> Register:
    """Add a register; columns: (key, words) in the order they are shown. Raises BadRegister, access.NotAllowed."""
    access.require(by, "exchange.manage", region=region.pk)
    shown = [[key.strip(), words.strip()] for key, words in columns]
    if not shown or not all(key and words for key, words in shown) or len({key for key, _words in shown}) < len(shown):
        raise BadRegister(_("请写清登记簿有哪些栏目，栏目不能重复。"))
    if not name.strip() or department.region_id != region.pk:
        raise BadRegister(_("请填写登记簿的名称和本地区的单位。"))
    if Register.objects.filter(region=region, code=code).exists():
        raise BadRegister(_("代号 %(code)s 已经有登记簿在用，请换一个。") % {"code": code})
    position = Register.objects.filter(region=region).count()
    register = Register.objects.create(
        region=region,
        code=code,
        name=name.strip(),
        department=department,
        columns=shown,
        position=position,
        is_demo=is_demo,
    )
    data = {"code": code, "name": register.name, "columns": [key for key, _words in shown]}
    ledger.record(f"register:{register.pk}", "registers.opened", region=region.pk, by=by, at=at, data=data)
    return register


@transaction.atomic
def renew(register: Register, rows: Iterable[Mapping[str, str]], *, by: Actor, at: datetime) -> int:
    """
    Take a whole new copy over the old one and return its number of rows; all of them or, with a bad one, none.

    rows: id_number, name and the register's columns. Raises BadRegister naming the row, access.NotAllowed.
    """
    access.require(by, "exchange.manage", region=register.region_id)
    register = Register.objects.select_for_update().get(pk=register.pk)
    Entry.objects.filter(region_id=register.region_id, register=register).delete()
    keys = [key for key, _words in register.columns]
    batch: list[Entry] = []
    count = 0
    for count, row in enumerate(rows, 1):
        number, name = _person(row.get("id_number", ""), row.get("name", ""))
        if not number or not name:
            raise BadRegister(_("第 %(n)s 行没有证件号码或姓名。") % {"n": count})
        if count > MOST_ROWS:
            raise BadRegister(_("一次最多 %(n)s 行。") % {"n": MOST_ROWS})
        values = json.dumps({key: str(row.get(key, "")) for key in keys}, ensure_ascii=False)
        batch.append(
            Entry(
                region_id=register.region_id,
                register=register,
                owner_index=owner_index(number),
                owner_sealed=crypto.seal(name, OWNER),
                values_sealed=crypto.seal(values, VALUES),
            )
        )
        if len(batch) == _BATCH:
            Entry.objects.bulk_create(batch)
            batch.clear()
    Entry.objects.bulk_create(batch)
    register.refreshed_at = at
    register.save(update_fields=["refreshed_at"])
    data = {"code": register.code, "rows": count}
    ledger.record(f"register:{register.pk}", "registers.renewed", region=register.region_id, by=by, at=at, data=data)
    return count


def look_up(*, id_number: str, name: str, purpose: str, by: Actor, at: datetime, region: str) -> list[Answer]:
    """
    Ask every register of `region` about one person, name and number together, in the registers' order (S0-9).

    Who asked what for is in the ledger before the answers are given, without the person (SEC-46). A register that
    cannot be asked is shown as away, the others answer. Raises NotAsked, access.NotAllowed.
    """
    access.require(by, "registers.look", region=region)
    number, name = _person(id_number, name)
    if not number or not name:
        raise NotAsked(_("请填写姓名和证件号码，两样都要。"))
    if not LEAST_PURPOSE <= len(purpose.strip()) <= LONGEST_PURPOSE:
        raise NotAsked(_("请写明查来做什么，4 到 120 个字；这会记入台账。"))
    registers = list(Register.objects.filter(region_id=region, is_on=True).select_related("department"))
    _note(purpose.strip(), registers, by, at, region)
    return [_ask(register, number, name) for register in registers]


@transaction.atomic
def _note(purpose: str, registers: list[Register], by: Actor, at: datetime, region: str) -> None:
    """Committed before anything is asked: nobody can have the answer and undo the row."""
    noted = LookUp(region_id=region, purpose_sealed=crypto.seal(purpose, PURPOSE), at=at)
    if isinstance(by, Staff):
        noted.staff = by
        noted.save()
    data = {"look_up": str(noted.pk), "registers": [one.code for one in registers]}
    ledger.record(f"look-up:{noted.pk}", "registers.looked_up", region=region, by=by, at=at, data=data)


def _ask(register: Register, number: str, name: str) -> Answer:
    try:
        return SOURCES[register.source].ask(register, id_number=number, name=name)
    except Exception as error:
        if is_cut_off():
            raise
        log.error("Register %s: %s", register.code, type(error).__name__)
        return Answer(register, [], None, away=True)


def _person(id_number: str, name: str) -> tuple[str, str]:
    return "".join(id_number.split()).upper(), name.strip()
