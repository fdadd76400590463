"""The numbers a place may set for itself, each from a day on (TRAP-7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from yimen.cases import actions as cases
from yimen.cases.actions.archiving import (
    ARCHIVE_AFTER_DAYS,
    ARCHIVE_AFTER_KEY,
    ARCHIVE_YEARS,
    ARCHIVE_YEARS_KEY,
)
from yimen.cases.actions.deciding import SAME_ACCEPTOR, SAME_REVIEWER
from yimen.cases.actions.results import COMMITMENT_BAR_KEY, COMMITMENT_BAR_MONTHS
from yimen.cases.documents import LAWSUIT_MONTHS, RECONSIDERATION_DAYS
from yimen.cases.queries import REUSE_MONTHS, REUSE_MONTHS_KEY
from yimen.cases.queries.results import FEE_FACTOR, FEE_FACTOR_KEY
from yimen.cases.rules import modes
from yimen.cases.rules.visits import RESPONSE_HOURS, RESPONSE_KEY, VISIT_MINUTES, VISIT_MINUTES_KEY
from yimen.catalog import actions, queries
from yimen.catalog.queries import PROMISED_DEFAULT_DAYS
from yimen.catalog.rules import CodeScheme
from yimen.catalog.rules.powers import DELEGATION_WARNING_DAYS, DELEGATION_WARNING_KEY
from yimen.hall.actions import booking
from yimen.hall.rules.joining import PUT_OFF_PLACES, PUT_OFF_PLACES_KEY
from yimen.insight.workload import ALARM, ALARM_KEY
from yimen.lib.dates import short_day
from yimen.notify import sms
from yimen.ratings.rules import INVITATION_DAYS, INVITATION_DAYS_KEY
from yimen.supervision.actions import ANSWER_DAYS as CARD_ANSWER_DAYS
from yimen.supervision.actions import ANSWER_DAYS_KEY as CARD_ANSWER_DAYS_KEY
from yimen.supervision.actions import APPEAL_DAYS, APPEAL_DAYS_KEY
from yimen.supervision.queries import SCALE
from yimen.supervision.rules import Scale
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench.adding import required
from yimen.web.workbench.guard import StaffRequest, staff_page


@dataclass(frozen=True)
class Known:
    """A rule the code asks for; default counts until the place sets its own, between least and most."""

    key: str
    name: str | Promise
    meaning: str | Promise
    default: int
    least: int
    most: int


KNOWN = (
    Known(
        sms.QUIET_FROM_KEY,
        gettext_lazy("短信从几点起不发"),
        gettext_lazy("晚上不打扰人，到早上再发。单位：点（0 到 23）。和“从几点起又发”一样就是随时发。"),
        sms.QUIET_FROM,
        0,
        23,
    ),
    Known(
        sms.QUIET_UNTIL_KEY,
        gettext_lazy("短信从几点起又发"),
        gettext_lazy("到这个钟点再发晚上攒下的。单位：点（0 到 23）。"),
        sms.QUIET_UNTIL,
        0,
        23,
    ),
    Known(
        "promised_default_days",
        gettext_lazy("没写承诺时限的事项，几个工作日办结"),
        gettext_lazy("事项自己写了承诺时限的，照事项的。单位：工作日。"),
        PROMISED_DEFAULT_DAYS,
        1,
        60,
    ),
    Known(
        RESPONSE_KEY,
        gettext_lazy("约了现场核查，几小时内回电话"),
        gettext_lazy("从申请人约的那一刻起，按钟点数，晚上和放假也算。单位：小时。"),
        RESPONSE_HOURS,
        1,
        72,
    ),
    Known(
        VISIT_MINUTES_KEY,
        gettext_lazy("一次现场核查占多长时间，连路上"),
        gettext_lazy("同一个人在这段时间里不能约两家。单位：分钟。"),
        VISIT_MINUTES,
        10,
        480,
    ),
    Known(
        "reconsideration_days",
        gettext_lazy("行政复议，几日内可以申请"),
        gettext_lazy("写在不予许可等文书里，法律规定一般不少于 60 日。单位：自然日。"),
        RECONSIDERATION_DAYS,
        60,
        365,
    ),
    Known(
        "lawsuit_months",
        gettext_lazy("行政诉讼，几个月内可以起诉"),
        gettext_lazy("写在不予许可等文书里，法律规定一般是 6 个月。单位：月。"),
        LAWSUIT_MONTHS,
        1,
        24,
    ),
    Known(
        modes.GAP_KEY,
        gettext_lazy("容缺受理，几个工作日内补交"),
        gettext_lazy("从受理那天算，写在补办件通知书上。单位：工作日。"),
        modes.GAP_DAYS,
        1,
        60,
    ),
    Known(
        modes.COMMITMENT_PROOFS_KEY,
        gettext_lazy("告知承诺，能不能代替政府部门核发的证明"),
        gettext_lazy("0：只有事项写明的材料能用承诺代替；1：政府部门核发的证明都能。"),
        modes.COMMITMENT_PROOFS,
        0,
        1,
    ),
    Known(
        modes.COMMITMENT_CHECK_KEY,
        gettext_lazy("告知承诺，签了以后几个工作日内核查"),
        gettext_lazy("从签承诺书那天算，写在承诺书上。单位：工作日。"),
        modes.COMMITMENT_CHECK_DAYS,
        1,
        250,
    ),
    Known(
        modes.COMMITMENT_BAR_KEY,
        gettext_lazy("承诺不实，几个月不能再申请"),
        gettext_lazy("从核查不实那天算，只限这一事项。单位：月。"),
        modes.COMMITMENT_BAR_MONTHS,
        1,
        36,
    ),
    Known(
        cases.EXTENSION_KEY,
        gettext_lazy("审批期限最多延长几天"),
        gettext_lazy("由本机关负责人批准，只有一次；法律一般是 10 个工作日。单位：工作日。"),
        cases.EXTENSION_DAYS,
        0,
        60,
    ),
    Known(
        cases.JOINT_EXTENSION_KEY,
        gettext_lazy("联办件最多延长几天"),
        gettext_lazy("由本级人民政府负责人批准，只有一次；法律一般是 15 个工作日。单位：工作日。"),
        cases.JOINT_EXTENSION_DAYS,
        0,
        60,
    ),
    Known(
        cases.ANSWER_DAYS_KEY,
        gettext_lazy("一次告知后，请申请人几天内补齐"),
        gettext_lazy("写在补正告知书里；过了也可以补。单位：工作日。"),
        cases.ANSWER_DAYS,
        1,
        120,
    ),
    Known(
        REUSE_MONTHS_KEY,
        gettext_lazy("交过的材料，几个月内可以沿用"),
        gettext_lazy("同一申请人、同名材料才可以；0 表示都要重新交。单位：月。"),
        REUSE_MONTHS,
        0,
        120,
    ),
    Known(
        INVITATION_DAYS_KEY,
        gettext_lazy("评价的二维码，几天内有效"),
        gettext_lazy("办完以后多少天内可以评价。单位：自然日。"),
        INVITATION_DAYS,
        1,
        365,
    ),
    Known(
        DELEGATION_WARNING_KEY,
        gettext_lazy("授权书到期，提前几天提醒"),
        gettext_lazy("进驻和授权的页面上，还有这么多天到期的标成快到期。单位：自然日。"),
        DELEGATION_WARNING_DAYS,
        1,
        365,
    ),
    Known(
        ALARM_KEY,
        gettext_lazy("工作量提醒，一个人手上超过几步"),
        gettext_lazy("自己领的，加上没人领的平均到每人的，超过就提醒。单位：步。"),
        ALARM,
        1,
        1000,
    ),
    Known(
        actions.CODE_SCHEME,
        gettext_lazy("事项编码用哪一种"),
        gettext_lazy("按序号选：0 各省实际在用的 12、31、33 位；1 国家上报表的宽度；2 国家标准 GB/T 39046。"),
        CodeScheme.PRACTICE,
        min(CodeScheme),
        max(CodeScheme),
    ),
    Known(
        SAME_ACCEPTOR,
        gettext_lazy("受理的人能不能作决定"),
        gettext_lazy("0 不能，1 能。即办件不受限制。人手实在不够的地方才改成 1。"),
        0,
        0,
        1,
    ),
    Known(
        SAME_REVIEWER,
        gettext_lazy("审查的人能不能作决定"),
        gettext_lazy("0 不能，1 能。人手实在不够的地方才改成 1。"),
        0,
        0,
        1,
    ),
    Known(
        COMMITMENT_BAR_KEY,
        gettext_lazy("承诺不实，几个月内不得再次申请"),
        gettext_lazy("告知承诺核查不实的，从认定那天起算。单位：月。"),
        COMMITMENT_BAR_MONTHS,
        1,
        60,
    ),
    Known(
        FEE_FACTOR_KEY,
        gettext_lazy("一个月的收费是平常的几倍就提醒"),
        gettext_lazy("平常是以前各月的中位数。单位：倍。"),
        FEE_FACTOR,
        2,
        100,
    ),
    Known(
        ARCHIVE_AFTER_KEY,
        gettext_lazy("办完以后几天归档"),
        gettext_lazy("送达、不予受理或撤回以后，过这么多天自动打成电子档案。单位：自然日。"),
        ARCHIVE_AFTER_DAYS,
        0,
        365,
    ),
    Known(
        ARCHIVE_YEARS_KEY,
        gettext_lazy("没有另定期限的档案，保管几年"),
        gettext_lazy("在“档案”的保管期限里按事项定了的，照那里。单位：年。"),
        ARCHIVE_YEARS,
        1,
        100,
    ),
    Known(
        CARD_ANSWER_DAYS_KEY,
        gettext_lazy("监察牌几个工作日内答复"),
        gettext_lazy("发牌第二个工作日起算；维持或者退回的，从那天重新算。单位：工作日。"),
        CARD_ANSWER_DAYS,
        1,
        30,
    ),
    Known(
        APPEAL_DAYS_KEY,
        gettext_lazy("监察牌几个工作日内可以申诉"),
        gettext_lazy("过了就不能申诉，可以在答复里说明。单位：工作日。"),
        APPEAL_DAYS,
        1,
        60,
    ),
    Known(SCALE["yellow"], gettext_lazy("一张黄牌扣几分"), gettext_lazy("每月从 100 分起扣。"), Scale().yellow, 0, 100),
    Known(SCALE["red"], gettext_lazy("一张红牌扣几分"), gettext_lazy("每月从 100 分起扣。"), Scale().red, 0, 100),
    Known(
        SCALE["excellent"],
        gettext_lazy("监察得分多少分以上是优秀"),
        gettext_lazy("按月和按季度排名都用。"),
        Scale().excellent,
        0,
        100,
    ),
    Known(
        SCALE["good"],
        gettext_lazy("监察得分多少分以上是良好"),
        gettext_lazy("按月和按季度排名都用。"),
        Scale().good,
        0,
        100,
    ),
    Known(
        SCALE["passed"],
        gettext_lazy("监察得分多少分以上是合格"),
        gettext_lazy("不到的是不合格。"),
        Scale().passed,
        0,
        100,
    ),
    Known(
        booking.HOLD_KEY,
        gettext_lazy("网上预约，名额留几分钟给人填表"),
        gettext_lazy("过了没填完就放出去。单位：分钟。"),
        booking.HOLD_MINUTES,
        10,
        60,
    ),
    Known(
        booking.OFFER_KEY,
        gettext_lazy("候补有号了，留几分钟等人确认"),
        gettext_lazy("过了让给下一位。单位：分钟。"),
        booking.OFFER_MINUTES,
        10,
        1440,
    ),
    Known(
        booking.EARLY_KEY,
        gettext_lazy("预约的人最早提前几分钟签到"),
        gettext_lazy("签到以后照约的时间排队。单位：分钟。"),
        booking.EARLY_MINUTES,
        0,
        240,
    ),
    Known(
        booking.LATE_KEY,
        gettext_lazy("预约的人晚到几分钟还照约的时间排"),
        gettext_lazy("再晚就按到的时间排；约的时间和这几分钟都过了算未到。单位：分钟。"),
        booking.LATE_MINUTES,
        0,
        240,
    ),
    Known(
        booking.NO_SHOWS_KEY,
        gettext_lazy("约了几次没来，暂停网上预约"),
        gettext_lazy("0：从不暂停。打电话和到大厅照样能约，工作人员可以解除。单位：次。"),
        booking.NO_SHOWS,
        0,
        20,
    ),
    Known(
        booking.NO_SHOW_DAYS_KEY,
        gettext_lazy("未到次数，在几天里算"),
        gettext_lazy("单位：自然日。"),
        booking.NO_SHOW_DAYS,
        1,
        365,
    ),
    Known(
        booking.BLOCK_KEY,
        gettext_lazy("未到太多，网上预约暂停几天"),
        gettext_lazy("从最后一次未到那天算。单位：自然日。"),
        booking.BLOCK_DAYS,
        1,
        365,
    ),
    Known(
        booking.MOST_KEY,
        gettext_lazy("一个手机号最多同时有几个预约"),
        gettext_lazy("办完或取消一个，才能再约下一个。单位：个。"),
        booking.MOST_OPEN,
        1,
        50,
    ),
    Known(
        PUT_OFF_PLACES_KEY,
        gettext_lazy("手机上点“还要几分钟”，让几个人先办"),
        gettext_lazy("一个号只能点一次。单位：人。"),
        PUT_OFF_PLACES,
        1,
        10,
    ),
)
BY_KEY = {rule.key: rule for rule in KNOWN}


class RuleForm(forms.Form):
    key = forms.ChoiceField(
        label=gettext_lazy("哪一条"),
        choices=[(rule.key, rule.name) for rule in KNOWN],
        **required(gettext_lazy("请选择哪一条。")),
    )
    value = forms.IntegerField(
        label=gettext_lazy("改成多少"),
        **required(gettext_lazy("请填写数字。")),
    )
    effective_on = forms.DateField(
        label=gettext_lazy("从哪天起"),
        help_text=gettext_lazy("不能早于今天；以前办的照以前的。"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        **required(gettext_lazy("请填写从哪天起。")),
    )
    reason = forms.CharField(
        label=gettext_lazy("为什么改"),
        max_length=200,
        help_text=gettext_lazy("写明依据的文件，会记进台账。"),
        **required(gettext_lazy("请写明为什么改。")),
    )

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.initial.setdefault("effective_on", today)

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        rule, value, day = BY_KEY.get(said.get("key", "")), said.get("value"), said.get("effective_on")
        if rule and value is not None and not rule.least <= value <= rule.most:
            sentence = _("这一条可以填 %(least)s 到 %(most)s。") % {"least": rule.least, "most": rule.most}
            self.add_error("value", sentence)
        if day and day < self.today:
            self.add_error("effective_on", _("不能早于今天。"))
        return said


def _page(request: StaffRequest, *, form: RuleForm | None = None, refused: str = "") -> HttpResponse:
    today = localdate(timezone.now())
    dated = queries.local_rules(request.staff.region_id)
    rows = []
    for rule in KNOWN:
        mine = [one for one in dated if one.key == rule.key]
        now = next((one for one in mine if one.effective_on <= today), None)
        rows.append(
            {
                "rule": rule,
                "value": now.value if now else rule.default,
                "now": now,
                "coming": [one for one in reversed(mine) if one.effective_on > today],
                "earlier": [one for one in mine if one.effective_on <= today and one is not now],
            }
        )
    context = {"rows": rows, "form": form or RuleForm(request.POST or None, today=today), "refused": refused}
    return render(request, "workbench/rules.html", context)


@staff_page("catalog.calendar")
@require_http_methods(["GET", "HEAD", "POST"])
def rules(request: StaffRequest) -> HttpResponse:
    """Every known rule with its value; a POST sets one from a day on."""
    return _set(request) if request.method == "POST" else _page(request)


@keyed("catalog.set_local_rule", stay=_page)
def _set(request: StaffRequest) -> Done:
    at = timezone.now()
    form = RuleForm(request.POST, today=localdate(at))
    if not form.is_valid():
        raise Stay(form=form)
    said = form.cleaned_data
    actions.set_local_rule(
        request.staff.region_id,
        said["key"],
        said["value"],
        effective_on=said["effective_on"],
        reason=said["reason"],
        by=request.staff,
        at=at,
    )
    values = {"name": BY_KEY[said["key"]].name, "value": said["value"], "day": short_day(said["effective_on"])}
    return Done(reverse("workbench:rules"), _("%(name)s：从 %(day)s起是 %(value)s。") % values)


urlpatterns = [path("rules", rules, name="rules")]
