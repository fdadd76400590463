"""
News for applicants, made from the ledger: one message for each thing that happened to a case of theirs (CASE-13).

No text names anybody: it is read on phones that others may hold. What the law wants told and what asks something of the
applicant also goes out; the rest is shown where he reads about his own cases (docs/apply-online.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import translation
from django.utils.functional import Promise
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _

from yimen.cases.models import Case
from yimen.ledger import followers
from yimen.ledger.models import Event
from yimen.lib.dates import long_day
from yimen.notify import actions as notify

NAME = "cases.tell_applicants"
# Older rows are history: nobody is told today what happened last week, and a first start tells nobody everything.
FRESH = timedelta(days=3)


@dataclass(frozen=True)
class Said:
    """subject, text: with %(item)s, %(number)s and %(due)s; goes_out: by every channel, not only here."""

    subject: Promise
    text: Promise
    goes_out: bool = True


NEWS: Mapping[str, Said] = {
    "case.received": Said(
        _("收到您的申请了"), _("“%(item)s”收到了，编号 %(number)s。是否受理，五个工作日内告诉您。"), goes_out=False
    ),
    "case.accepted": Said(_("受理了"), _("“%(item)s”（%(number)s）已经受理，最晚 %(due)s出结果。")),
    "case.declined": Said(
        _("没有受理"), _("“%(item)s”（%(number)s）这次没有受理，理由和救济办法写在决定书里，请打开看看。")
    ),
    "case.correction_told": Said(
        _("请补材料"), _("“%(item)s”（%(number)s）还缺材料，要补的都写在一张补正告知书里，只告知这一次。")
    ),
    "case.stop_opened": Said(
        _("依法停计时限"), _("“%(item)s”（%(number)s）进入特别程序，这段时间不计入办理时限，要多少天写在告知书里。")
    ),
    "case.stop_closed": Said(
        _("时限接着算"), _("“%(item)s”（%(number)s）的特别程序结束了，最晚 %(due)s出结果。"), False
    ),
    "case.extended": Said(
        _("办理时限延长了"), _("“%(item)s”（%(number)s）延长了办理时限，最晚 %(due)s出结果，理由写在告知书里。")
    ),
    "case.due_moved": Said(
        _("到期日重新算过"), _("放假安排公布了，“%(item)s”（%(number)s）最晚 %(due)s出结果。"), goes_out=False
    ),
    "case.visit_agreed": Said(
        _("约好了现场核查"), _("“%(item)s”（%(number)s）约好了来现场看，时间和要准备的写在通知里。")
    ),
    "case.visit_put_off": Said(_("现场核查改期了"), _("“%(item)s”（%(number)s）的现场核查改期了，请打开看新的时间。")),
    "case.visit_noted": Said(
        _("现场看过了"), _("“%(item)s”（%(number)s）的现场看过了，结果写在记录里。"), goes_out=False
    ),
    "case.hearing_right_told": Said(
        _("您可以要求听证"), _("“%(item)s”（%(number)s）您可以要求听证，五天内提出来，不收费。")
    ),
    "case.hearing_called": Said(
        _("听证的时间定了"), _("“%(item)s”（%(number)s）的听证时间地点写在通知书里，请打开看看。")
    ),
    "case.gap_promised": Said(
        _("有材料可以后补"), _("“%(item)s”（%(number)s）先办着，后补的材料和最后一天写在通知书里。")
    ),
    "case.gap_overdue": Said(_("后补的材料过期了"), _("“%(item)s”（%(number)s）说好后补的材料还没有到，请尽快补上。")),
    "case.fee_issued": Said(_("请缴费"), _("“%(item)s”（%(number)s）有一张缴费通知单，收费依据和办法写在上面。")),
    "case.fee_paid": Said(_("缴费记下了"), _("“%(item)s”（%(number)s）的费用收到了。"), goes_out=False),
    "case.moved": Said(_("转到别处接着办"), _("“%(item)s”（%(number)s）转到有权办理的单位接着办，编号不变。")),
    "case.task_done": Said(
        _("办完一步"), _("“%(item)s”（%(number)s）又办完一步，最晚 %(due)s出结果。"), goes_out=False
    ),
    "case.decided": Said(_("有结果了"), _("“%(item)s”（%(number)s）办结了，请打开看决定书。")),
    "case.certificate_made": Said(_("证照做好了"), _("“%(item)s”（%(number)s）的证照做好了，在“我的”里能看、能下载。")),
    "case.delivered": Said(_("结果送到了"), _("“%(item)s”（%(number)s）的结果已经送到您手里。"), goes_out=False),
    "case.withdrawn": Said(_("申请撤回了"), _("“%(item)s”（%(number)s）按您的要求撤回了，以后随时可以再办。"), False),
    "case.revoked": Said(_("决定撤销了"), _("“%(item)s”（%(number)s）的决定被撤销，理由和救济办法写在决定书里。")),
    "case.message_sent": Said(
        _("经办人给您留言了"), _("“%(item)s”（%(number)s）的经办人给您留了言，请打开看看、回一句。")
    ),
}
_ANSWERED = Said(
    _("补的材料收到了"), _("“%(item)s”（%(number)s）要补的材料都到了，五个工作日内告诉您是否受理。"), False
)
KINDS = (*NEWS, "case.materials_noted")


def tell_new(*, at: datetime) -> int:
    """Tell applicants what happened since the last time; return how many rows were looked at."""

    def tell(event: Event) -> None:
        if event.at >= at - FRESH:
            tell_of(event, at=at)

    return followers.follow(NAME, KINDS, tell, at=at)


def tell_of(event: Event, *, at: datetime) -> None:
    """Tell the applicant of the event's case, once, when it concerns him."""
    said = _said(event)
    if said is None:
        return
    pk = event.stream.removeprefix("case:")
    case = Case.objects.select_related("item", "version").filter(pk=UUID(pk)).first()
    if case is None:
        return
    with translation.override("zh-hans"):
        words = {
            "item": case.version.name,
            "number": case.query_no,
            "due": long_day(case.due_on, weekday=True) if case.due_on else "",
        }
        news = notify.News(
            case.applicant_id,
            case.item,
            case.case_no,
            f"{event.kind}:{pk}:{event.seq}",
            str(said.subject),
            str(said.text) % words,
            goes_out=said.goes_out and not _was_there(case, event),
        )
    notify.tell(news, on=localdate(event.at), at=at)


def _said(event: Event) -> Said | None:
    data = event.data
    if event.kind == "case.materials_noted":
        return _ANSWERED if data.get("correction_answered") else None
    if event.kind == "case.message_sent" and data.get("from") != "staff":
        return None
    if event.kind == "case.due_moved" and data.get("clock", "promised") != "promised":
        return None
    return NEWS.get(event.kind)


def _was_there(case: Case, event: Event) -> bool:
    """At the window the acceptance is handed over with the paper, while he stands there."""
    if event.kind != "case.accepted" or case.channel != Case.Channel.WINDOW or event.data.get("mode") == "deemed":
        return False
    return localdate(event.at) == localdate(case.received_at)
