"""批量办理 at the workbench: the plan, the list of people, one act that receives them all, what came of it."""

from __future__ import annotations

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
from yimen.cases.models.bundles import Batch
from yimen.cases.queries import bundles as queries
from yimen.catalog.models import ServiceItem
from yimen.catalog.queries import scenario
from yimen.catalog.rules import scenario as scenario_rules
from yimen.lib.errors import DomainError
from yimen.web.once import Done, Stay, keyed, with_status
from yimen.web.workbench import forms as material_forms
from yimen.web.workbench import matter
from yimen.web.workbench.bundles import center_of
from yimen.web.workbench.guard import StaffRequest, staff_page

PAGE = 50


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
    report = queries.batch_report(batch)
    posted = request.POST if request.method == "POST" else None
    sent = posted if posted is not None else request.GET
    questions = scenario.questions_of(batch.version)
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
        "rows": matter.material_rows(None, batch.version, posted, walk.chosen),
        "most": acts.MOST_AT_ONCE,
        "headings": [words[0] for words in acts.HEADINGS.values()],
    }
    return render(request, "workbench/bundles/batch.html", values | context)


@staff_page("cases.receive")
@require_safe
def page(request: StaffRequest, pk: UUID) -> HttpResponse:
    return _page(request, pk)


@staff_page("cases.receive")
@require_POST
def bring(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Take the list of people, all of it or nothing; without a key: the same list again leaves the same people."""
    batch, at = _one(request, pk), timezone.now()
    file = request.FILES.get("file")
    if file is None:
        return with_status(_page(request, pk, refused=_("请选一份名单文件。")), 422)
    try:
        listed = acts.read_list(file.read(acts.LARGEST + 1), str(file.name), today=localdate(at))
        acts.put_list(batch.pk, listed, by=request.staff, at=at)
    except acts.BadList as error:
        return with_status(_page(request, pk, refused=str(error), list_faults=error.faults[:200]), 422)
    except DomainError as error:
        return with_status(_page(request, pk, refused=str(error)), 422)
    messages.success(request, _("名单收下了，%(n)s 人。") % {"n": len(listed)})
    return redirect("workbench:batch", batch.pk)


@staff_page("cases.receive")
@require_POST
def tick(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Without a key: a line is ticked once."""
    batch, line = _one(request, pk), request.POST.get("line", "")
    try:
        acts.tick(
            batch.pk, int(line) if line.isdecimal() and len(line) < 4 else -1, by=request.staff, at=timezone.now()
        )
    except DomainError as error:
        return with_status(_page(request, pk, refused=str(error)), 422)
    return redirect("workbench:batch", batch.pk)


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
    )
    said = _("收了 %(made)s 件。") % {"made": got.made}
    if got.refused:
        said += _("有 %(n)s 人没收成，原因写在他那一行。") % {"n": got.refused}
    if got.left:
        said += _("还有 %(n)s 人，再按一次接着收。") % {"n": got.left}
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
    path("together/batches/new", new, name="batch-new"),
    path("together/batches/plan", plan, name="batch-plan"),
    path("together/batches/<uuid:pk>", page, name="batch"),
    path("together/batches/<uuid:pk>/list", bring, name="batch-list"),
    path("together/batches/<uuid:pk>/tick", tick, name="batch-tick"),
    path("together/batches/<uuid:pk>/receive", receive, name="batch-receive"),
    path("together/batches/<uuid:pk>/close", close, name="batch-close"),
]
