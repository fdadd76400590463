"""An appointment for the calendar of a phone (RFC 5545)."""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils.translation import gettext as _

from yimen.hall.models import Appointment

MOST_OCTETS = 75


def calendar_file(one: Appointment, *, address: str, at: datetime) -> str:
    """Return one event with a reminder the day before; it names the item and the place, nobody's name."""
    item, center = one.item.name if one.item else _("办事"), one.hall.center
    more = _("预约号 %(number)s。改时间、取消：%(address)s") % {"number": one.number, "address": address}
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Yimen//Appointments//ZH",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{one.pk}@yimen",
        f"DTSTAMP:{_utc(at)}",
        f"DTSTART:{_utc(one.slot.begins_at)}",
        f"DTEND:{_utc(one.slot.ends_at)}",
        f"SUMMARY:{_text(item)}",
        f"LOCATION:{_text(f'{center.name} {one.hall.name} {center.address}')}",
        f"DESCRIPTION:{_text(more)}",
        f"URL:{address}",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        f"DESCRIPTION:{_text(item)}",
        "TRIGGER:-P1D",
        "END:VALARM",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(text: str) -> str:
    for sign, written in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\r", ""), ("\n", "\\n")):
        text = text.replace(sign, written)
    return text


def _folded(line: str) -> str:
    """Lines of at most 75 octets; a letter is never cut."""
    parts, part = [], b""
    for letter in line:
        octets = letter.encode()
        if len(part) + len(octets) > MOST_OCTETS:
            parts.append(part)
            part = b" "
        part += octets
    return b"\r\n".join([*parts, part]).decode()
