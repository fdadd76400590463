"""Writes: a slip or a test page sent to a kiosk's printer, once, and what became of it."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.hall.models import Printer, SlipPrint, Ticket
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib import receipts
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Staff

# Nobody waits longer for paper: what has not gone out by then counts as a fault, and the ticket stands on the glass.
WAIT_SECONDS = 1.8
# A slip asked for again within this is the same tap.
AGAIN_SECONDS = 5
_threads = ThreadPoolExecutor(4, thread_name_prefix="slips")


class NotToday(DomainError):
    """A slip is printed again on the day of its ticket only."""


class PrinterOff(DomainError):
    """The printer was taken out of use, or there is none."""


def folder() -> Path:
    """Where slips of printers of kind FILE go, one file a printer."""
    return Path(settings.HOME) / "slips"


@transaction.atomic
def print_slip(
    printer: Printer, data: bytes, *, by: Actor, at: datetime, ticket: Ticket | None = None, item: str = ""
) -> SlipPrint:
    """
    Send `data` (receipts.encode) to `printer` once this has been committed; within WAIT_SECONDS.

    ticket, or the code of an item whose list is printed, or neither: a test page, for hall managers. Staff reprint a
    ticket with hall.take; the kiosk prints as PUBLIC. A failed print is no error: it stands in the row and at the
    printer, until a slip comes out again.
    Raises PrinterOff, NotToday, access.NotAllowed.
    """
    staff = by if isinstance(by, Staff) else None
    if ticket is None and not item:
        access.require(by, "hall.manage", region=printer.region_id)
    elif staff is not None:
        access.require(by, "hall.take", region=printer.region_id)
    if not printer.is_on:
        raise PrinterOff(_("这台打印机停用了。请换一台，或者让群众扫码看号。"))
    if ticket is not None:
        if ticket.hall_id != printer.hall_id:
            raise PrinterOff(_("这台打印机在别的大厅，请换一台。"))
        if staff is not None and ticket.day != localdate(at):
            raise NotToday(_("%(label)s 不是今天的号，不能再打小票。") % {"label": ticket.label})
        just_now = at - timedelta(seconds=AGAIN_SECONDS)
        if last := SlipPrint.objects.filter(
            region_id=ticket.region_id, ticket=ticket, printer=printer, asked_at__gt=just_now, fault=""
        ).first():
            return last
    slip = SlipPrint.objects.create(
        region_id=printer.region_id, printer=printer, ticket=ticket, asked_by=staff, asked_at=at
    )
    stream = ticket.stream if ticket else f"printer:{printer.pk}"
    kind = "hall.slip_asked" if ticket else "hall.list_printed" if item else "hall.test_page_asked"
    data_ = {"printer": str(printer.pk), "slip": str(slip.pk), **({"item": item} if item else {})}
    ledger.record(stream, kind, region=printer.region_id, by=by, at=at, data=data_)
    transaction.on_commit(lambda: _hand_over(slip, printer, data, at))
    return slip


def _hand_over(slip: SlipPrint, printer: Printer, data: bytes, at: datetime) -> None:
    """Send, wait a moment, and note what became of it at the slip and at the printer."""
    job: Future[None] = _threads.submit(receipts.send, data, kind=printer.kind, target=printer.target, folder=folder())
    try:
        job.result(WAIT_SECONDS)
        slip.fault = ""
    except TooLate:
        job.cancel()
        slip.fault = _("打印机没有及时收下，请看看纸和网线。")
    except (receipts.NotPrinted, receipts.BadTarget):
        slip.fault = _("连不上打印机，请看看电源和网线。")
    slip.done_at = at
    SlipPrint.objects.filter(pk=slip.pk).update(done_at=at, fault=slip.fault)
    if slip.fault:
        Printer.objects.filter(pk=printer.pk, fault="").update(fault=slip.fault, fault_at=at)
    elif printer.fault:
        Printer.objects.filter(pk=printer.pk).update(fault="", fault_at=None)
