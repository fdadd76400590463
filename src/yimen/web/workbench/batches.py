"""批量办理 at the workbench: the plan, the list of people, one act that receives them all, what came of it."""

from __future__ import annotations

import base64
import binascii
import io
import json
from collections.abc import Sequence
from dataclasses import astuple
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from yimen.cases.actions import batches as acts
from yimen.cases.actions.batches import Listed
from yimen.cases.models.bundles import Batch
from yimen.cases.queries import bundles as queries
from yimen.catalog.models import ServiceItem
from yimen.catalog.queries import scenario
from yimen.catalog.rules import scenario as scenario_rules
from yimen.insight import actions as insight
from yimen.lib import crypto
from yimen.lib.errors import DomainError
from yimen.lib.sheet import write_xlsx
from yimen.people import access
from yimen.web.once import Done, Stay, keyed, with_status
from yimen.web.workbench import forms as material_forms
from yimen.web.workbench import matter
from yimen.web.workbench.bundles import center_of
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page
from yimen.web.workbench.sheets import FORMATS, download

PAGE = 50
# Wrong rows put right on the page; a list with more is better put right in its file.
MOST_MENDED = 60
REST = "batch.list"


class PlanForm(forms.Form):
    """The plan of a batch."""

    name = forms.CharField(
        label=gettext_lazy("这一批叫什么"), max_length=120, help_text=gettext_lazy("比如：乡村医生集中换证。")
    )
    item = forms.CharField(label=gettext_lazy("办哪个事项（编码或者全名）"), max_length=160)
    on = forms.DateField(label=gettext_lazy("哪一天"), widget=forms.DateInput(attrs={"type": "date"}))
    place = forms.CharField(label=gettext_lazy("在哪里办"), max_length=160)
    units = forms.CharField(
        label=gettext_lazy("哪些单位参加"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("一行一个。"),
    )  # fmt: skip
    checklist = forms.CharField(
        label=gettext_lazy("要先准备什么"), max_length=4000, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("一行一样，准备好了再打勾。"),
    )  # fmt: skip


class ChangeForm(PlanForm):
    """The plan again; the item stays."""

    item = None  # type: ignore[assignment]

    def __init__(self, data: Any = None, *, initial: Any = None) -> None:
        super().__init__(data, initial=initial, auto_id="plan-%s")


class PersonForm(forms.Form):
    """One more person of the list; the act says what is wrong with him."""

    name = forms.CharField(label=gettext_lazy("姓名"), max_length=120)
    id_number = forms.CharField(label=gettext_lazy("身份证号"), max_length=60)
    phone = forms.CharField(label=gettext_lazy("手机号"), max_length=60)

    def __init__(self, data: Any = None, *, initial: Any = None) -> None:
        super().__init__(data, initial=initial, auto_id="person-%s")


@staff_page("cases.receive")
@require_safe
def every(request: StaffRequest) -> HttpResponse:
    page = Paginator(queries.batches_for(request.staff), PAGE).get_page(request.GET.get("page"))
    return render(request, "workbench/bundles/batches.html", {"page": page})


def _new(request: StaffRequest, **context: Any) -> HttpResponse:
    form = PlanForm(request.POST if request.method == "POST" else None)
    return render(request, "workbench/bundles/batch_new.html", {"form": form} | context)


@staff_page("cases.receive")
@require_safe
def new(request: StaffRequest) -> HttpResponse:
    return _new(request)


@staff_page("cases.receive")
@require_POST
@keyed("cases.plan_batch", stay=_new)
def plan(request: StaffRequest) -> Done:
    form = PlanForm(request.POST)
    if not form.is_valid():
        raise Stay(form=form)
    said, staff = form.cleaned_data, request.staff
    found = ServiceItem.objects.filter(region_id=staff.region_id, published__isnull=False)
    known = found.select_related("department", "published__item__department")
    item = known.filter(task_code=said["item"]).first() or known.filter(name=said["item"]).first()
    if item is None or item.published is None:
        form.add_error("item", _("没有找到正在办的这个事项。请写事项的编码，或者一字不差的名称。"))
        raise Stay(form=form)
    batch = acts.plan_batch(
        item.published,
        center=center_of(staff),
        name=said["name"],
        on=said["on"],
        place=said["place"],
        units=said["units"].splitlines(),
        checklist=said["checklist"].splitlines(),
        by=staff,
        at=timezone.now(),
    )
    return Done(reverse("workbench:batch", args=[batch.pk]), _("计划好了。下一步：把名单传上来。"))


def _one(request: StaffRequest, pk: UUID) -> Batch:
    batch = queries.batches_for(request.staff).select_related("version__item__department").filter(pk=pk).first()
    if batch is None:
        raise Http404
    return batch


def _page(request: StaffRequest, pk: UUID, **context: Any) -> HttpResponse:
    batch = _one(request, pk)
    report, edition = queries.batch_report(batch), queries.edition_of(batch)
    posted = request.POST if request.method == "POST" else None
    sent = posted if posted is not None else request.GET
    questions = scenario.questions_of(edition)
    answers = [value for name, values in sent.lists() if name.startswith("q-") for value in values]
    walk = scenario_rules.walk(questions, answers)
    values: dict[str, Any] = {
        "batch": batch,
        "report": report,
        "page": Paginator(report.lines, PAGE).get_page(request.GET.get("page")),
        "asked": [
            (one, [(n, o, n in answers) for n, o in zip(one.names(), one.options, strict=True)])
            for one in scenario_rules.askable(questions, answers)
        ],
        "is_settled": walk.is_complete or not questions,
        "chosen": walk.chosen,
        "rows": matter.material_rows(None, edition, posted, walk.chosen),
        "most": acts.MOST_AT_ONCE,
        "headings": [words[0] for words in acts.HEADINGS.values()],
        "may_accept": access.allowed(request.staff, "cases.accept", department=batch.version.item.department),
        "plan": ChangeForm(initial=_plan_of(batch)),
        "person": PersonForm(),
    }
    return render(request, "workbench/bundles/batch.html", values | context)


def _plan_of(batch: Batch) -> dict[str, Any]:
    return {
        "name": batch.name,
        "on": batch.on.isoformat(),
        "place": batch.place,
        "units": "\n".join(batch.units),
        "checklist": "\n".join(line["text"] for line in batch.checklist),
    }


@staff_page("cases.receive")
@require_safe
def page(request: StaffRequest, pk: UUID) -> HttpResponse:
    return _page(request, pk)


@staff_page("cases.receive")
@require_POST
def bring(request: StaffRequest, pk: UUID) -> HttpResponse:
    """
    Take the list of people, all of it or nothing: as a file, or with the wrong rows put right on the page.

    Without a key: the same list again leaves the same people.
    """
    batch, today = _one(request, pk), localdate(timezone.now())
    file = request.FILES.get("file")
    if file is None and "rest" not in request.POST:
        return with_status(_page(request, pk, refused=_("请选一份名单文件。")), 422)
    try:
        if file is not None:
            listed = acts.read_list(file.read(acts.LARGEST + 1), str(file.name), today=today)
        else:
            listed = acts.checked(_mended(request), today=today)
        acts.put_list(batch.pk, listed, by=request.staff, at=timezone.now())
    except acts.BadList as error:
        return with_status(_page(request, pk, refused=str(error), **_to_mend(error)), 422)
    except DomainError as error:
        return with_status(_page(request, pk, refused=str(error)), 422)
    messages.success(request, _("名单收下了，%(n)s 人。") % {"n": len(listed)})
    return redirect("workbench:batch", batch.pk)


def _to_mend(error: acts.BadList) -> dict[str, Any]:
    """The wrong rows as fields and the right ones sealed, so that nobody has to type or send them again."""
    faults: dict[int, list[str]] = {}
    for row, fault in error.faults:
        faults.setdefault(row, []).append(fault)
    wrong = [one for one in error.rows if one.row in faults]
    if not wrong or len(wrong) > MOST_MENDED:
        return {"list_faults": error.faults[:200]}
    right = [astuple(one) for one in error.rows if one.row not in faults]
    rest = base64.b64encode(crypto.seal(json.dumps(right), REST)).decode()
    return {"wrong": [(one, faults[one.row]) for one in wrong], "rest": rest, "right_count": len(right)}


def _mended(request: StaffRequest) -> Sequence[Listed]:
    """The right rows that came back sealed and the others as typed; a row that was emptied is left out."""
    try:
        sealed = base64.b64decode(request.POST["rest"], validate=True)
        rows = [Listed(*one) for one in json.loads(crypto.open_sealed(sealed, REST))]
    except (binascii.Error, ValueError, crypto.SealBroken):
        raise acts.BadBatch(_("这一页放得太久了，请重新传一次名单。")) from None
    for number in {int(row) for row in request.POST.getlist("row") if row.isdecimal() and len(row) < 8}:
        said = [posted_text(request, f"{name}-{number}").strip()[:120] for name in ("name", "id", "phone")]
        if any(said):
            rows.append(Listed(number, said[0], said[1].upper(), said[2]))
    if not rows:
        raise acts.BadBatch(_("一批最多 %(most)s 人，至少 1 人。") % {"most": acts.MOST_PEOPLE})
    return sorted(rows, key=lambda one: one.row)


@staff_page("cases.receive")
@require_safe
def template(request: StaffRequest) -> HttpResponse:
    """An empty list with the right heads."""
    file = io.BytesIO()
    write_xlsx(file, [(_("名单"), [[words[0] for words in acts.HEADINGS.values()]])])
    headers = {"Content-Disposition": 'attachment; filename="list.xlsx"'}
    return HttpResponse(file.getvalue(), content_type=FORMATS["xlsx"], headers=headers)


@staff_page("cases.receive")
@require_POST
def export(request: StaffRequest, pk: UUID) -> HttpResponse:
    """What came of everybody, in the list's order, names masked; who took it goes to the ledger."""
    batch, at = _one(request, pk), timezone.now()
    heads = [_("第几个"), _("姓名"), _("办件编号"), _("结果"), _("最晚哪天"), _("跑了几次"), _("没收成的原因")]
    rows = [
        [
            one.position,
            one.who,
            one.case.query_no if one.case else "",
            (one.case.get_outcome_display() or one.case.get_status_display()) if one.case else _("还没收件"),
            one.case.due_on.isoformat() if one.case and one.case.due_on else "",
            one.visits if one.case else "",
            one.fault,
        ]
        for one in queries.batch_report(batch).lines
    ]
    insight.note_export(request.staff, "batch", {"batch": str(batch.pk)}, count=len(rows), at=at)
    return download(request, "batch", _("批量办理"), heads, rows, day=localdate(at))


@staff_page("cases.receive")
@require_POST
def add(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Without a key: nobody is on a list twice."""
    form = PersonForm(request.POST)
    if not form.is_valid():
        return with_status(_page(request, pk, person=form), 422)
    one = Listed(0, form.cleaned_data["name"], form.cleaned_data["id_number"].upper(), form.cleaned_data["phone"])
    try:
        acts.add_person(_one(request, pk).pk, one, by=request.staff, at=timezone.now())
    except DomainError as error:
        return with_status(_page(request, pk, refused=str(error), person=form), 422)
    messages.success(request, _("添上了。"))
    return redirect("workbench:batch", pk)


@staff_page("cases.receive")
@require_POST
def take_off(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Without a key: whoever is off the list stays off."""
    try:
        acts.remove_person(_one(request, pk).pk, _number(request, "position"), by=request.staff, at=timezone.now())
    except DomainError as error:
        return with_status(_page(request, pk, refused=str(error)), 422)
    return redirect("workbench:batch", pk)


@staff_page("cases.receive")
@require_POST
def change(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Without a key: the same plan again changes nothing."""
    form = ChangeForm(request.POST)
    if not form.is_valid():
        return with_status(_page(request, pk, plan=form), 422)
    said = form.cleaned_data
    lines = {name: said[name].splitlines() for name in ("units", "checklist")}
    try:
        acts.change_plan(_one(request, pk).pk, **said | lines, by=request.staff, at=timezone.now())
    except DomainError as error:
        return with_status(_page(request, pk, refused=str(error), plan=form), 422)
    messages.success(request, _("计划改好了。"))
    return redirect("workbench:batch", pk)


@staff_page("cases.receive")
@require_POST
def tick(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Without a key: a line is ticked once, and the tick taken back once."""
    batch, is_ready = _one(request, pk), request.POST.get("undo", "") != "1"
    try:
        acts.tick(batch.pk, _number(request, "line"), is_ready=is_ready, by=request.staff, at=timezone.now())
    except DomainError as error:
        return with_status(_page(request, pk, refused=str(error)), 422)
    return redirect("workbench:batch", batch.pk)


def _number(request: StaffRequest, name: str) -> int:
    said = request.POST.get(name, "")
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 6 else -1


@staff_page("cases.receive")
@require_POST
@keyed("cases.receive_batch", stay=_page)
def receive(request: StaffRequest, pk: UUID) -> Done:
    batch = _one(request, pk)
    got = acts.receive_batch(
        batch.pk,
        materials=material_forms.materials_of(request.POST),
        chosen=[value for name, values in request.POST.lists() if name.startswith("q-") for value in values],
        by=request.staff,
        at=timezone.now(),
        again=True,
    )
    said = _("收了 %(made)s 件。") % {"made": got.made}
    if got.refused:
        said += _("有 %(n)s 人没收成，原因写在他那一行。") % {"n": got.refused}
    if got.left:
        said += _("还有 %(n)s 人，再按一次接着收。") % {"n": got.left}
    return Done(reverse("workbench:batch", args=[batch.pk]), said)


@staff_page("cases.accept")
@require_POST
@keyed("cases.accept_batch", stay=_page)
def accept(request: StaffRequest, pk: UUID) -> Done:
    batch = _one(request, pk)
    got = acts.accept_batch(batch.pk, by=request.staff, at=timezone.now())
    said = _("受理了 %(n)s 件。") % {"n": got.count}
    said += "".join(_("%(number)s：%(why)s") % {"number": number, "why": why} for number, why in got.refused[:5])
    if got.left:
        said += _("还有 %(n)s 件，再按一次接着受理。") % {"n": got.left}
    if got.refused and not got.count:
        raise Stay(refused=said)
    return Done(reverse("workbench:batch", args=[batch.pk]), said)


@staff_page("cases.receive")
@require_POST
def close(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Without a key: a batch ends once."""
    batch = _one(request, pk)
    try:
        acts.close_batch(batch.pk, by=request.staff, at=timezone.now())
    except DomainError as error:
        return with_status(_page(request, pk, refused=str(error)), 422)
    messages.success(request, _("这一批结束了。"))
    return redirect("workbench:batch", batch.pk)


urlpatterns = [
    path("together/batches", every, name="batches"),
    path("together/batches/new", new, name="batch-new"),
    path("together/batches/list.xlsx", template, name="batch-template"),
    path("together/batches/<uuid:pk>/accept", accept, name="batch-accept"),
    path("together/batches/<uuid:pk>/plan", change, name="batch-change"),
    path("together/batches/<uuid:pk>/people/add", add, name="batch-person-add"),
    path("together/batches/<uuid:pk>/people/off", take_off, name="batch-person-off"),
    path("together/batches/<uuid:pk>/export", export, name="batch-export"),
    path("together/batches/plan", plan, name="batch-plan"),
    path("together/batches/<uuid:pk>", page, name="batch"),
    path("together/batches/<uuid:pk>/list", bring, name="batch-list"),
    path("together/batches/<uuid:pk>/tick", tick, name="batch-tick"),
    path("together/batches/<uuid:pk>/receive", receive, name="batch-receive"),
    path("together/batches/<uuid:pk>/close", close, name="batch-close"),
]
