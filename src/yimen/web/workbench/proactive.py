"""Proactive notices (主动提醒, S3-2): who is due for what, sending, telephoning, and the rule of each item."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yimen.cases import proactive
from yimen.catalog import queries as catalog
from yimen.catalog.actions.reform import set_due_rule
from yimen.catalog.models import ServiceItem
from yimen.catalog.rules.due import due_words
from yimen.notify import actions, queries
from yimen.notify.models import Delivery, Message
from yimen.people import access
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench.adding import form_page
from yimen.web.workbench.guard import StaffRequest, posted_ids, posted_text, staff_page

PAGE = 30
FOUND = 12


@staff_page("notify.send", "catalog.edit")
@require_safe
def board(request: StaffRequest) -> HttpResponse:
    """Every item with a rule, how many notices wait and went out; the outbox for whoever telephones."""
    region = request.staff.region_id
    counts = queries.counts(region)
    rows = [
        {"item": item, "who": due_words(item.published.due_rule), "counts": counts.get(item.pk, {})}
        for item in proactive.items_with_rule(region)
        if item.published
    ]
    text = request.GET.get("q", "").replace("\x00", "").strip()[:60]
    found = list(catalog.editable_items(region, text=text, state="published")[:FOUND]) if text else []
    may_send = access.allowed(request.staff, "notify.send")
    context = {
        "rows": rows,
        "text": text,
        "found": found,
        "may_send": may_send,
        "may_edit": access.allowed(request.staff, "catalog.edit"),
        "calls": Paginator(queries.to_call(region), PAGE).get_page(request.GET.get("page")) if may_send else None,
        "may_reveal": access.allowed(request.staff, "people.reveal"),
    }
    return render(request, "workbench/proactive/board.html", context)


def _item(request: StaffRequest, pk: UUID) -> ServiceItem:
    found = catalog.item_for(request.staff.region_id, pk)
    if found is None:
        raise Http404
    return found


def _item_page(request: StaffRequest, pk: UUID, *, refused: str = "", **_context: Any) -> HttpResponse:
    item = _item(request, pk)
    state = request.GET.get("state", "")
    state = state if state in Message.State.values else Message.State.WAITING
    found = queries.messages(item.region_id, item=item.pk, state=state)
    context = {
        "item": item,
        "who": due_words(item.published.due_rule if item.published else {}),
        "has_rule": bool(item.published and item.published.due_rule),
        "counts": queries.counts(item.region_id).get(item.pk, {}),
        "states": Message.State.choices,
        "state": state,
        "page": Paginator(found, PAGE).get_page(request.GET.get("page")),
        "refused": refused,
    }
    return render(request, "workbench/proactive/item.html", context)


@staff_page("notify.send")
@require_safe
def item(request: StaffRequest, pk: UUID) -> HttpResponse:
    return _item_page(request, pk)


@staff_page("notify.send")
@require_POST
@keyed("notify.find_due", stay=_item_page)
def find(request: StaffRequest, pk: UUID) -> Done:
    searched = proactive.find_due(_item(request, pk), by=request.staff, at=timezone.now())
    values = {"looked": searched.looked_at, "made": searched.made}
    message = _("看了 %(looked)s 个，新找到 %(made)s 人。") % values
    if not searched.is_done:
        message += _("还没看完，再点一次接着找；夜里也会自动找完。")
    return Done(reverse("workbench:proactive-item", args=[pk]), message)


@staff_page("notify.send")
@require_POST
@keyed("notify.send", stay=_item_page)
def send(request: StaffRequest, pk: UUID) -> Done:
    ids = _chosen(request, pk)
    count = actions.send(request.staff.region_id, ids, by=request.staff, at=timezone.now())
    return Done(reverse("workbench:proactive-item", args=[pk]), _("发出去了，%(n)s 条。") % {"n": count})


@staff_page("notify.send")
@require_POST
@keyed("notify.drop", stay=_item_page)
def drop(request: StaffRequest, pk: UUID) -> Done:
    ids = _chosen(request, pk)
    count = actions.drop(request.staff.region_id, ids, by=request.staff, at=timezone.now())
    return Done(reverse("workbench:proactive-item", args=[pk]), _("这 %(n)s 条不发了，以后也不再提。") % {"n": count})


def _chosen(request: StaffRequest, pk: UUID) -> list[UUID]:
    item = _item(request, pk)
    ids = posted_ids(request, "message")
    if not ids:
        raise Stay(refused=_("请先勾上要处理的人。"))
    return list(Message.objects.filter(item=item, pk__in=ids).values_list("pk", flat=True))


def _board_again(request: StaffRequest, *, refused: str = "", **_context: Any) -> HttpResponse:
    return board(request)


@staff_page("notify.send")
@require_POST
@keyed("notify.note_called", stay=_board_again)
def called(request: StaffRequest, pk: UUID) -> Done:
    delivery = Delivery.objects.filter(region_id=request.staff.region_id, pk=pk).first()
    if delivery is None:
        raise Http404
    reached = posted_text(request, "reached") == "1"
    actions.note_called(delivery, reached=reached, by=request.staff, at=timezone.now())
    message = _("记下了：电话里说过了。") if reached else _("记下了：没打通。")
    return Done(reverse("workbench:proactive"), message)


@staff_page("notify.send")
@require_POST
@keyed("notify.opt_out", stay=_item_page)
def opt_out(request: StaffRequest, pk: UUID) -> Done:
    """Somebody said on the telephone that they want no such notices."""
    message = queries.messages(request.staff.region_id, item=pk).filter(pk__in=posted_ids(request, "who")).first()
    if message is None or message.applicant is None:
        raise Http404
    actions.opt_out(message.applicant, True, by=request.staff, at=timezone.now())
    return Done(reverse("workbench:proactive-item", args=[pk]), _("记下了，以后不再提醒这个人。"))


def between(least: int, most: int) -> dict[str, Any]:
    sentence = format_lazy(gettext_lazy("请填 {least} 到 {most} 的整数。"), least=least, most=most)
    return dict.fromkeys(("invalid", "min_value", "max_value"), sentence)


class DueForm(forms.Form):
    kind = forms.ChoiceField(
        label=gettext_lazy("提醒谁"),
        choices=[
            ("", gettext_lazy("谁也不提醒")),
            ("age", gettext_lazy("到了岁数的人")),
            ("renewal", gettext_lazy("办过的快到期的人")),
        ],
        required=False,
    )
    years = forms.IntegerField(
        label=gettext_lazy("多少周岁"),
        min_value=1,
        max_value=150,
        required=False,
        help_text=gettext_lazy("选“到了岁数的人”才填。生日前一个月开始提醒。"),
        error_messages=between(1, 150),
    )
    months = forms.IntegerField(
        label=gettext_lazy("办结以后满多少个月到期"),
        min_value=1,
        max_value=600,
        required=False,
        help_text=gettext_lazy("选“办过的快到期的人”才填。"),
        error_messages=between(1, 600),
    )
    before_days = forms.IntegerField(
        label=gettext_lazy("提前多少天提醒"),
        min_value=1,
        max_value=365,
        required=False,
        initial=30,
        error_messages=between(1, 365),
    )

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        wanted = {"age": ("years",), "renewal": ("months", "before_days")}.get(said.get("kind", ""), ())
        for name in wanted:
            if said.get(name) is None and name not in self.errors:
                self.add_error(name, _("请填写整数。"))
        return said

    def rule(self) -> dict[str, Any]:
        said = self.cleaned_data
        match said["kind"]:
            case "age":
                return {"kind": "age", "years": said["years"]}
            case "renewal":
                return {"kind": "renewal", "months": said["months"], "before_days": said["before_days"]}
        return {}


def _rule_page(request: StaffRequest, pk: UUID, *, form: DueForm | None = None, refused: str = "") -> HttpResponse:
    item = _item(request, pk)
    edition = catalog.working_edition(item)
    return form_page(
        request,
        form or DueForm(request.POST or None, initial=edition.due_rule if edition else {}),
        heading=_("“%(name)s”该提醒谁") % {"name": item.name},
        word=_("存进草稿"),
        back=reverse("workbench:proactive"),
        parent=_("主动提醒"),
        lead=_("存进事项的草稿，别人核对发布以后才开始找人。"),
        refused=refused,
    )


@staff_page("catalog.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def rule(request: StaffRequest, pk: UUID) -> HttpResponse:
    return _set_rule(request, pk) if request.method == "POST" else _rule_page(request, pk)


@keyed("catalog.set_due_rule", stay=_rule_page)
def _set_rule(request: StaffRequest, pk: UUID) -> Done:
    form = DueForm(request.POST)
    if not form.is_valid():
        raise Stay(form=form)
    set_due_rule(_item(request, pk), form.rule(), by=request.staff, at=timezone.now())
    return Done(reverse("workbench:item", args=[pk]), _("存进草稿了，发布以后开始提醒。"))


urlpatterns = [
    path("proactive", board, name="proactive"),
    path("proactive/<uuid:pk>", item, name="proactive-item"),
    path("proactive/<uuid:pk>/find", find, name="proactive-find"),
    path("proactive/<uuid:pk>/send", send, name="proactive-send"),
    path("proactive/<uuid:pk>/drop", drop, name="proactive-drop"),
    path("proactive/<uuid:pk>/opt-out", opt_out, name="proactive-opt-out"),
    path("proactive/<uuid:pk>/rule", rule, name="proactive-rule"),
    path("proactive/calls/<uuid:pk>", called, name="proactive-called"),
]
