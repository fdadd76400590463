"""Where an answer comes from: a register that is not copied here gets a source of its own beside this one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from yimen.lib import crypto
from yimen.registers.models import Entry, Register

OWNER = "register.owner"
VALUES = "register.values"


@dataclass(frozen=True)
class Answer:
    """
    What one register says about somebody: rows of values in the order of its columns; none means not registered.

    as_of: how old the answer is. away: the register could not be asked, so nothing is known.
    """

    register: Register
    rows: list[list[str]]
    as_of: datetime | None
    away: bool = False


class Source(Protocol):
    """Asks one register. May take seconds and may fail: the caller says so and shows the other registers' answers."""

    def ask(self, register: Register, *, id_number: str, name: str) -> Answer: ...


class Copy:
    """A register copied into our database."""

    def ask(self, register: Register, *, id_number: str, name: str) -> Answer:
        found = Entry.objects.filter(
            region_id=register.region_id, register=register, owner_index=owner_index(id_number)
        ).order_by("pk")
        rows = []
        for entry in found:
            if crypto.open_sealed(entry.owner_sealed, OWNER) != name:
                continue  # the number alone opens nothing: both must be the owner's
            values = json.loads(crypto.open_sealed(entry.values_sealed, VALUES))
            rows.append([str(values.get(key, "")) for key, _words in register.columns])
        return Answer(register, rows, register.refreshed_at)


SOURCES: dict[str, Source] = {Register.Source.COPY: Copy()}


def owner_index(id_number: str) -> bytes:
    return crypto.blind_index(id_number, OWNER)
