"""
Channels a message can go out by. One that reaches a gateway is another class with `name` and `take`.

None of them is given a number here: a gateway looks it up for the moment it sends, and keeps nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from yimen.notify.models import Delivery, Message


class Channel(Protocol):
    """name: as stored with each delivery. is_own: seen only by whoever looks at their own cases here."""

    name: str
    is_own: bool

    def take(self, message: Message, *, at: datetime) -> Delivery:
        """Take the message over, once; a second time returns the same delivery."""
        ...


class InApp:
    """Shown to the applicant where they read about their own cases: there from the moment it is taken."""

    name = "in_app"
    is_own = True

    def take(self, message: Message, *, at: datetime) -> Delivery:
        return _delivery(self.name, message, at, done_at=at, is_delivered=True)


class Outbox:
    """A row that waits: for a gateway to collect, or for staff to call the number (电话)."""

    name = "outbox"
    is_own = False

    def take(self, message: Message, *, at: datetime) -> Delivery:
        return _delivery(self.name, message, at)


CHANNELS: tuple[Channel, ...] = (InApp(), Outbox())


def _delivery(
    name: str, message: Message, at: datetime, *, done_at: datetime | None = None, is_delivered: bool | None = None
) -> Delivery:
    return Delivery.objects.get_or_create(
        message=message,
        channel=name,
        defaults={
            "region_id": message.region_id,
            "made_at": at,
            "done_at": done_at,
            "is_delivered": is_delivered,
        },
    )[0]
