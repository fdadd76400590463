"""一件事 at the workbench: what one is made of, one application for all its items, how far it is (HALL-13)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.forms import formset_factory
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yimen.cases.actions import Handed
from yimen.cases.actions.bundles import receive_bundle
from yimen.cases.models import CaseMaterial
from yimen.cases.queries import bundles as cases
from yimen.catalog.actions.bundles import BadBundle, BundleLine, publish_bundle, save_bundle, withdraw_bundle
from yimen.catalog.models import ItemMaterial, ServiceItem
from yimen.catalog.models.bundles import ServiceBundle
from yimen.catalog.queries import bundles as queries
from yimen.catalog.queries import scenario
from yimen.catalog.rules import bundles as rules
from yimen.catalog.rules import forms as form_rules
from yimen.catalog.rules import scenario as scenario_rules
from yimen.hall import queries as halls
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people import actions as people
from yimen.people.models import Department, ServiceCenter, Staff
from yimen.web.bundles import receipt_pdf
from yimen.web.once import Done, Stay, keyed
from yimen.web.portal.checklist import ask
from yimen.web.workbench.forms import ApplicantForm
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page

PAGE = 20
EMPTY_ROWS = 3
FIELD, MATERIAL, KIND, HERE = "f-", "m-", "mf-", "here"


@staff_page("cases.receive", "cases.view")
@require_safe
def together(request: StaffRequest) -> HttpResponse:
    """What several items or many people have in common: bundles to receive, those that run, batches."""
    staff = request.staff
    batches = list(cases.batches_for(staff)[: PAGE + 1])
    context = {
        "bundles": queries.offered(staff.region_id),
        "page": Paginator(cases.bundle_cases_for(staff), PAGE).get_page(request.GET.get("page")),
        "batches": batches[:PAGE],
        "has_more": len(batches) > PAGE,
        "may_receive": access.allowed(staff, "cases.receive"),
    }
    return render(request, "workbench/bundles/together.html", context)


# What one is made of


class HeadForm(forms.Form):
    """The heads of a bundle; its code stays once it has one."""

    name = forms.CharField(label=gettext_lazy("这件事叫什么"), max_length=120)
    code = forms.SlugField(
        label=gettext_lazy("网址里的代号"), max_length=40, help_text=gettext_lazy("小写字母、数字和短横线，比如 farm。")
    )
    lead = forms.ModelChoiceField(label=gettext_lazy("牵头单位"), queryset=Department.objects.none())
    plain_text = forms.CharField(
        label=gettext_lazy("大白话说明"), required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 3})
    )
    everyday_names = forms.CharField(
        label=gettext_lazy("大家怎么叫它"),
        required=False,
        max_length=300,
        help_text=gettext_lazy("几个说法用顿号分开。"),
    )
    promised_limit = forms.IntegerField(
        label=gettext_lazy("全部办结承诺几个工作日"), required=False, min_value=1, max_value=365
    )

    def __init__(self, *args: Any, region: str, is_new: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["lead"].queryset = Department.objects.filter(region_id=region).order_by("name")  # type: ignore[attr-defined]
        if not is_new:
            del self.fields["code"]


class RowForm(forms.Form):
    """One item; an emptied item takes the row out, `place` moves it."""

    place = forms.IntegerField(label=gettext_lazy("第几项"), min_value=1, max_value=999, required=False)
    item = forms.CharField(label=gettext_lazy("事项（编码或者全名）"), max_length=160, required=False)
    key = forms.SlugField(label=gettext_lazy("代号"), max_length=40, required=False)
    after = forms.CharField(label=gettext_lazy("在哪些之后（代号，用逗号分开）"), max_length=400, required=False)
    feeds = forms.CharField(label=gettext_lazy("结果给谁当材料（代号:第几样）"), max_length=400, required=False)
    note = forms.CharField(label=gettext_lazy("说明"), max_length=200, required=False)
    is_optional = forms.BooleanField(label=gettext_lazy("可以不办"), required=False)


Rows = formset_factory(RowForm, extra=0, max_num=rules.MOST_ITEMS, absolute_max=rules.MOST_ITEMS + EMPTY_ROWS)


@staff_page("catalog.edit", "catalog.publish")
@require_safe
def every(request: StaffRequest) -> HttpResponse:
    found = queries.loaded(ServiceBundle.objects.filter(region_id=request.staff.region_id)).order_by("name")
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    may_edit = access.allowed(request.staff, "catalog.edit")
    return render(request, "workbench/bundles/list.html", {"page": page, "may_edit": may_edit})


@staff_page("catalog.edit", "catalog.publish")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: StaffRequest, pk: UUID | None = None) -> HttpResponse:
    """All of a bundle on one page; saving the same again writes nothing."""
    staff = request.staff
    bundle = get_object_or_404(queries.loaded(_mine(staff)), pk=pk) if pk else None
    may_edit = access.allowed(staff, "catalog.edit", department=bundle.lead if bundle else None)
    posted = request.POST if request.method == "POST" else None
    if (posted is not None or bundle is None) and not may_edit:
        raise PermissionDenied
    head = HeadForm(posted, region=staff.region_id, is_new=bundle is None, initial=_head_of(bundle))
    rows = Rows(posted, prefix="r", initial=_rows_of(bundle) + [{}] * EMPTY_ROWS)
    refused: list[str] = []
    if posted is not None:
        if head.is_valid() and rows.is_valid():
            try:
                saved = save_bundle(
                    code=bundle.code if bundle else head.cleaned_data["code"],
                    lead=head.cleaned_data["lead"],
                    name=head.cleaned_data["name"],
                    plain_text=head.cleaned_data["plain_text"],
                    everyday_names=_split(head.cleaned_data["everyday_names"]),
                    promised_limit=head.cleaned_data["promised_limit"],
                    lines=_lines(rows, staff),
                    by=staff,
                    at=timezone.now(),
                )
            except BadBundle as error:
                refused = error.faults
            except DomainError as error:
                refused = [str(error)]
            else:
                messages.success(request, _("存好了。"))
                return redirect("workbench:bundle", saved.pk)
        else:
            refused = [_("有几处写得不对，看标红的地方。")]
    context = {
        "bundle": bundle,
        "head": head,
        "rows": rows,
        "may_edit": may_edit,
        "may_publish": bool(bundle) and access.allowed(staff, "catalog.publish", department=bundle.lead),  # type: ignore[union-attr]
        "refused": refused,
        "faults": rules.faults(queries.parts_of(bundle)) if bundle else [],
        "stages": rules.stages(queries.parts_of(bundle)) if bundle else [],
    }
    return render(request, "workbench/bundles/edit.html", context, status=422 if refused else 200)


def _mine(staff: Staff) -> Any:
    return ServiceBundle.objects.filter(region_id=staff.region_id)


def _head_of(bundle: ServiceBundle | None) -> dict[str, Any]:
    if bundle is None:
        return {}
    return {
        "name": bundle.name,
        "lead": bundle.lead_id,
        "plain_text": bundle.plain_text,
        "everyday_names": "、".join(bundle.everyday_names),
        "promised_limit": bundle.promised_limit,
    }


def _rows_of(bundle: ServiceBundle | None) -> list[dict[str, Any]]:
    return [
        {
            "place": row.position,
            "item": row.item.task_code,
            "key": row.key,
            "after": ", ".join(row.after),
            "feeds": ", ".join(f"{key}:{position}" for key, position in row.feeds.items()),
            "note": row.note,
            "is_optional": row.is_optional,
        }
        for row in (bundle.items.all() if bundle else ())
    ]


def _split(text: str) -> list[str]:
    return [one.strip() for one in text.replace("，", ",").replace("、", ",").split(",") if one.strip()]


def _lines(rows: Any, staff: Staff) -> list[BundleLine]:
    said = [row.cleaned_data for row in rows if row.cleaned_data.get("item", "").strip()]
    said.sort(key=lambda row: row.get("place") or 10_000)
    found = []
    for number, row in enumerate(said, 1):
        text = row["item"].strip()
        item = ServiceItem.objects.filter(region_id=staff.region_id, task_code=text).first()
        item = item or ServiceItem.objects.filter(region_id=staff.region_id, name=text).order_by("task_code").first()
        if item is None:
            raise BadBundle([_("没有找到事项“%(text)s”。请写事项的编码，或者一字不差的名称。") % {"text": text}])
        feeds = {}
        for one in _split(row["feeds"].replace("：", ":")):
            key, _colon, position = one.partition(":")
            if not position.strip().isdecimal():
                raise BadBundle([_("“%(text)s”看不懂。请写“代号:第几样材料”，比如 permit:4。") % {"text": one}])
            feeds[key.strip()] = str(int(position))
        key = row["key"] or f"i{number}"
        found.append(BundleLine(key, item.pk, tuple(_split(row["after"])), feeds, row["is_optional"], row["note"]))
    return found


@staff_page("catalog.publish")
@require_POST
def publish(request: StaffRequest, pk: UUID) -> HttpResponse:
    bundle = get_object_or_404(_mine(request.staff), pk=pk)
    try:
        if request.POST.get("act") == "withdraw":
            withdraw_bundle(bundle.pk, by=request.staff, at=timezone.now())
            messages.success(request, _("不再收新的了。正在办的接着办完。"))
        else:
            publish_bundle(bundle.pk, by=request.staff, at=timezone.now())
            messages.success(request, _("发布了，网上和窗口都能看到。"))
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("workbench:bundle", bundle.pk)


# One application for all of it


def _receiving(request: StaffRequest, code: str, **context: Any) -> HttpResponse:
    """First which items and his answers, then who he is, what he brings and the one form."""
    bundle = _offered(request, code)
    sent = request.POST if request.method == "POST" else request.GET
    chosen, answers = _said(bundle, sent)
    offers = queries.offers(bundle, chosen)
    asked = []
    is_complete = True
    dead_ends = []
    for one in offers:
        questions = scenario.questions_of(one.version)
        walk = scenario_rules.walk(questions, answers.get(one.part.key, ()))
        is_complete = is_complete and (walk.is_complete or not questions)
        if walk.dead_end:
            dead_ends.append((one.part.name, walk.dead_end))
        given = set(answers.get(one.part.key, ()))
        asked += [
            (one.part, question, [(n, o, n in given) for n, o in zip(question.names(), question.options, strict=True)])
            for question in scenario_rules.askable(questions, given)
        ]
    values: dict[str, Any] = {
        "bundle": bundle,
        "optional": [(part, part.key in chosen) for part in queries.parts_of(bundle) if part.is_optional],
        "chosen": sorted(chosen),
        "asked": asked,
        "dead_ends": dead_ends,
        "is_settled": is_complete and ("go" in sent or request.method == "POST"),
    }
    if values["is_settled"]:
        settled = queries.offers(bundle, chosen, answers)
        form = rules.asked_once(queries.forms_by_part(settled, answers))
        typed = {name.removeprefix(FIELD): str(value) for name, value in sent.items() if name.startswith(FIELD)}
        lines = rules.to_bring([one.part for one in settled])
        values |= {
            "stages": rules.stages([one.part for one in settled]),
            "lines": [
                (line, _states(line), sent.get(f"{MATERIAL}{line.key}", ""), sent.get(f"{KIND}{line.key}", ""))
                for line in lines
            ],
            "kinds": CaseMaterial.Form.choices,
            "fed": _fed_words(settled),
            "said": [(key, name) for key, names in answers.items() for name in names],
            "form": ApplicantForm(today=localdate(timezone.now())),
            "titles": list(dict.fromkeys(f.title for of in form.forms.values() for f in of)),
            "shared_count": len(form.merged.shared),
            "fields": ask(form.merged.schema, typed, context.get("form_faults", ()), without=form.without),
            "is_here": sent.get("forms") == HERE,
        }
    return render(request, "workbench/bundles/receive.html", values | context)


def _states(line: rules.Bring) -> list[tuple[str, str]]:
    """What can be marked: 后补 only where every item that wants the paper allows it (HALL-11)."""
    found = [(CaseMaterial.State.COMPLETE, _("收到")), (CaseMaterial.State.MISSING, _("缺"))]
    if line.necessity == ItemMaterial.Necessity.GAP_ALLOWED:
        found.append((CaseMaterial.State.LATER, str(CaseMaterial.State.LATER.label)))
    return [(state.value, word) for state, word in found]


def _offered(request: StaffRequest, code: str) -> ServiceBundle:
    bundle = queries.offered_bundle(request.staff.region_id, code)
    if bundle is None:
        raise Http404
    return bundle


def _said(bundle: ServiceBundle, sent: QueryDict) -> tuple[set[str], dict[str, list[str]]]:
    """Return the optional items and, by item, the answers: fields "<key>~<question>"."""
    keys = {row.key for row in bundle.items.all()}
    answers: dict[str, list[str]] = {}
    for name, values in sent.lists():
        key, tilde, _question = name.partition("~")
        if tilde and key in keys:
            answers.setdefault(key, []).extend(values)
    return set(sent.getlist("k")) & keys, answers


def _fed_words(offers: Sequence[queries.Offer]) -> list[tuple[str, str]]:
    """What nobody brings: (material, the item whose result it is)."""
    names = {one.part.key: one.part.name for one in offers}
    given = rules.fed([one.part for one in offers])
    said = (
        (line.name, names[source])
        for one in offers
        for line in one.part.materials
        if (source := given.get((one.part.key, line.position)))
    )
    return list(dict.fromkeys(said))


@staff_page("cases.receive")
@require_safe
def receiving(request: StaffRequest, code: str) -> HttpResponse:
    return _receiving(request, code)


@staff_page("cases.receive")
@require_POST
@keyed("cases.receive_bundle", stay=_receiving)
def receive(request: StaffRequest, code: str) -> Done:
    staff, at = request.staff, timezone.now()
    bundle = _offered(request, code)
    chosen, answers = _said(bundle, request.POST)
    form = ApplicantForm(request.POST, today=localdate(at))
    if not form.is_valid():
        raise Stay(form=form)
    offers = queries.offers(bundle, chosen, answers)
    values = None
    if request.POST.get("forms") == HERE:
        asked = rules.asked_once(queries.forms_by_part(offers, answers))
        schema = asked.merged.schema
        typed = {one.name: posted_text(request, f"{FIELD}{one.name}") for one in form_rules.fields_of(schema)}
        values = form_rules.read_values(schema, typed)
        if faults := form_rules.check_values(schema, values, today=localdate(at), without=asked.without):
            raise Stay(form=form, form_faults=faults)
    materials = {
        line.key: Handed(state, form=posted_text(request, f"{KIND}{line.key}"))
        for line in rules.to_bring([one.part for one in offers])
        if (state := request.POST.get(f"{MATERIAL}{line.key}", "")) in dict(_states(line))
    }
    said = {key: value for key, value in form.cleaned_data.items() if key != "agent_name"}
    applicant = people.register_applicant(region=staff.region_id, by=staff, at=at, **said)
    made = receive_bundle(
        bundle,
        applicant,
        center=center_of(staff),
        chosen=chosen,
        answers=answers,
        form_values=values,
        materials=materials,
        by=staff,
        at=at,
    )
    number = {"number": made.query_no}
    return Done(reverse("workbench:bundle-case", args=[made.query_no]), _("收下了，总编号 %(number)s。") % number)


def center_of(staff: Staff) -> ServiceCenter:
    """The centre a clerk works in: that of his window, else his own. Raises DomainError without either."""
    window = halls.window_of(staff)
    center = window.hall.center if window else staff.center
    if center is None:
        raise DomainError(_("先在窗口签到，才知道是哪个大厅收的。"))
    return center


@staff_page("cases.receive", "cases.view")
@require_safe
def bundle_case(request: StaffRequest, number: str) -> HttpResponse:
    made = cases.bundle_cases_for(request.staff).filter(query_no=number.upper()).first()
    if made is None:
        raise Http404
    return render(request, "workbench/bundles/case.html", {"progress": cases.progress_of(made)})


@staff_page("cases.receive", "cases.view")
@require_safe
def receipt(request: StaffRequest, number: str) -> HttpResponse:
    """The one receipt of the application, to be printed."""
    made = cases.bundle_cases_for(request.staff).filter(query_no=number.upper()).exclude(verify_code="").first()
    if made is None:
        raise Http404
    return receipt_pdf(made)


urlpatterns = [
    path("together/cases/<str:number>/receipt", receipt, name="bundle-receipt"),
    path("together", together, name="together"),
    path("together/bundles/<slug:code>/receive", receiving, name="bundle-receiving"),
    path("together/bundles/<slug:code>/received", receive, name="bundle-receive"),
    path("together/cases/<str:number>", bundle_case, name="bundle-case"),
    path("bundles", every, name="bundles"),
    path("bundles/new", edit, name="bundle-new"),
    path("bundles/<uuid:pk>", edit, name="bundle"),
    path("bundles/<uuid:pk>/publish", publish, name="bundle-publish"),
]
