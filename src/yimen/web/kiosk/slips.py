"""What stands on a slip, in words; drawn and encoded for the printer of a kiosk."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from yimen.catalog.leaflets import Sheet
from yimen.hall import queries
from yimen.hall.models import Printer, Ticket
from yimen.lib import receipts
from yimen.lib.dates import short_day
from yimen.lib.receipts import Code, Part, Rule, Text
from yimen.web import context, waits
from yimen.web.checking import missing_of

# More would make the slip longer than people read.
MOST_LINES = 12


def _clock(at: object) -> str:
    local = timezone.localtime(at)  # type: ignore[arg-type]
    return f"{local.hour}:{local.minute:02d}"


def ahead_words(ticket: Ticket) -> str:
    """前面还有 6 人，大约 10–20 分钟; nothing for a ticket that does not wait."""
    if ticket.status != Ticket.Status.WAITING:
        return ""
    people = queries.ahead_of(ticket).people
    if people == 0:
        return _("前面没有人，很快叫到您")
    said = waits.of_ticket(ticket, timezone.now())
    if said is None:
        return _("前面还有 %(people)s 人") % {"people": people}
    return _("前面还有 %(people)s 人，%(time)s") % {"people": people, "time": waits.range_words(said)}


def of_ticket(ticket: Ticket, address: str, *, is_copy: bool = False) -> list[Part]:
    """Return the paper of a ticket: number, place in the queue, windows, what is still missing, QR. No names."""
    now = timezone.now()
    wait = queries.wait_of(ticket.series, now)
    parts: list[Part] = [
        Text(context.center().name, 30, is_centred=True),
        Text(f"{ticket.series.name} · {short_day(ticket.day, weekday=True)}", 26, is_centred=True),
        Text(ticket.label, 120, is_bold=True, is_centred=True),
    ]
    if ticket.care:
        parts.append(Text(_("关爱优先：%(kind)s") % {"kind": ticket.get_care_display()}, 28, is_centred=True))
    if words := ahead_words(ticket):
        parts.append(Text(words, 32, is_centred=True))
    if wait.windows:
        parts.append(Text(_("%(windows)s 号窗口") % {"windows": wait.windows}, 28, is_centred=True))
    if wait.zone:
        parts.append(Text(wait.zone, 28, is_centred=True))
    if ticket.item:
        parts += [Rule(), Text(_("办的事：%(name)s") % {"name": ticket.item.name}, 28)]
    if missing := missing_of(ticket):
        few = ngettext("还差 %(n)s 样：", "还差 %(n)s 样：", len(missing)) % {"n": len(missing)}
        parts += [Rule(), Text(few, 30, is_bold=True)]
        parts += [Text(name, 28, has_box=True) for name in missing[:MOST_LINES]]
    parts += [Rule(), Code(address), Text(_("扫一扫，手机上看还有几人"), 26, is_centred=True)]
    taken = _("%(time)s 取号。走开了也不作废，回来告诉导办员。") % {"time": _clock(ticket.taken_at)}
    parts.append(Text(taken, 24, is_centred=True))
    if is_copy:
        parts.append(Text(_("补打 %(time)s") % {"time": _clock(now)}, 24, is_centred=True))
    return parts


def of_item(sheet: Sheet, address: str) -> list[Part]:
    """Return the short leaflet: four answers, what to bring with boxes to tick, QR of the whole guide."""
    parts: list[Part] = [Text(context.center().name, 26, is_centred=True), Text(sheet.name, 36, True, True), Rule()]
    for answer in sheet.answers:
        parts += [Text(answer.question, 24), Text(answer.answer, 30, is_bold=True)]
    if sheet.bring:
        parts += [Rule(), Text(_("要带 %(n)s 样：") % {"n": len(sheet.bring)}, 30, is_bold=True)]
        parts += [Text(line.name + (f"（{line.note}）" if line.note else ""), 28, has_box=True) for line in sheet.bring]
    if sheet.fetched:
        parts.append(Text(_("不用带：%(names)s") % {"names": "、".join(line.name for line in sheet.fetched)}, 26))
    parts += [Rule(), Code(address), Text(_("扫一扫，看完整指南和空白表"), 26, is_centred=True)]
    foot = " · ".join(part for part in (sheet.phone, sheet.hours, sheet.version) if part)
    return [*parts, Text(foot, 24, is_centred=True)] if foot else parts


def test_page(printer: Printer) -> list[Part]:
    return [
        Text(_("测试页"), 60, is_bold=True, is_centred=True),
        Text(printer.name, 32, is_centred=True),
        Rule(),
        Text("A027　甲乙丙丁戊己庚辛　0123456789", 28),
        Text(_("能看清这几行字，下面的码扫得出来，就是好的。"), 28),
        Code("https://example.invalid/test"),
        Text(f"{short_day(timezone.localdate(), weekday=True)} {_clock(timezone.now())}", 24, is_centred=True),
    ]


def bytes_of(parts: list[Part], printer: Printer) -> bytes:
    return receipts.encode(receipts.draw(parts, printer.width))


def ticket_bytes(ticket: Ticket, address: str, printer: Printer, *, is_copy: bool = False) -> bytes:
    """Return the slip for the printer; paper is Chinese, whatever the glass was read in."""
    with override("zh-hans"):
        return bytes_of(of_ticket(ticket, address, is_copy=is_copy), printer)
