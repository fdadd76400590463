"""
The flow editor: steps added, moved, put beside each other, made to depend on answers; looked at before they are saved.

Every button posts the whole form and gets it back changed, so nothing is kept anywhere until it is saved.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, cast
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yimen.catalog import actions, bpmn, flowchart, queries, rules
from yimen.catalog.actions import StepDraft
from yimen.catalog.actions.flows import save_flow
from yimen.catalog.flow_sheet import flow_pdf
from yimen.catalog.flowchart import ChartStep
from yimen.catalog.models import FlowStep, ItemVersion, ServiceItem
from yimen.catalog.queries.flows import chart_steps
from yimen.catalog.queries.scenario import promised_days, questions_of
from yimen.catalog.rules import flow_edits
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Department
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page

MOST_STEPS = 60
# So many changes can be undone, while all of them together are no longer than this, unpacked.
MOST_UNDONE, MOST_HISTORY = 30, 1_500_000
LONGEST = {"name": 80, "post": 60, "authority": 120, "limit": 5, "key": 40}
_TEXTS = ("name", "kind", "department", "post", "authority", "limit")


@dataclass
class Row:
    """A step as it stands in the form. limit: what was typed; department: an id, "" for the item's own."""

    step: rules.Step
    department: str = ""
    limit: str = ""
    faults: list[str] = field(default_factory=list)
    number: int = 0
    is_new: bool = False

    @property
    def prefix(self) -> str:
        return f"s{self.number - 1}"


@dataclass
class Desk:
    """Everything the page works on."""

    item: ServiceItem
    version: ItemVersion
    departments: Mapping[str, Department]
    labels: dict[str, str]
    rows: list[Row]
    # Rows as _dump() wrote them: what undoing goes back to and what redoing comes back to, the nearest last.
    past: list[str] = field(default_factory=list)
    future: list[str] = field(default_factory=list)
    # Those that came with an imported file and are not saved yet.
    questions: tuple[bpmn.Question, ...] = ()
    texts: dict[str, str] = field(default_factory=dict)

    def ask(self, questions: tuple[bpmn.Question, ...]) -> None:
        self.questions = questions
        for question in questions:
            self.texts.setdefault(question.key, question.text)
            for key, label in question.options:
                self.labels.setdefault(f"{question.key}.{key}", label)

    def remember(self, before: str) -> None:
        """Keep what the rows were before a change; what was undone before it is gone."""
        if before != _dump(self.rows):
            self.past, self.future = [*self.past, before][-MOST_UNDONE:], []

    @property
    def history(self) -> str:
        while sum(map(len, (*self.past, *self.future))) > MOST_HISTORY:
            (self.past or self.future).pop(0)
        if not self.past and not self.future:
            return ""
        said = json.dumps([self.past, self.future], ensure_ascii=False).encode()
        return base64.b64encode(zlib.compress(said)).decode()

    def renumber(self) -> None:
        for number, row in enumerate(self.rows, 1):
            row.number = number


# What was sent, and what stands


def _desk(request: StaffRequest, pk: UUID, data: QueryDict | None = None) -> Desk:
    item = queries.item_for(request.staff.region_id, pk)
    version = queries.working_edition(item) if item else None
    if item is None or version is None:
        raise Http404
    version.item = item
    departments = {str(row.pk): row for row in Department.objects.filter(region_id=item.region_id).order_by("name")}
    asked = questions_of(version)
    labels = {f"{one.key}.{option.key}": option.label for one in asked for option in one.options}
    desk = Desk(item, version, departments, labels, [], texts={one.key: one.text for one in asked})
    if data is not None:
        desk.ask(_questions(data.get("questions", "")))
    if data is None:
        desk.rows = [_stored(step) for step in version.steps.all()]
    else:
        desk.rows = _typed(data)
        desk.past, desk.future = _history(data.get("before", ""))
    desk.renumber()
    return desk


def _stored(row: FlowStep) -> Row:
    step = rules.Step(
        row.key, row.name, row.kind, row.post, row.authority, row.limit_days, tuple(row.after), tuple(row.when)
    )
    return Row(step, str(row.department_id or ""), str(row.limit_days))


def _text(data: QueryDict, name: str, most: int = 300) -> str:
    return data.get(name, "").replace("\x00", "")[:most]


def _typed(data: QueryDict) -> list[Row]:
    count = data.get("count", "0")
    rows: list[Row] = []
    for n in range(min(int(count), MOST_STEPS) if count.isascii() and count.isdigit() and len(count) < 4 else 0):
        said = {name: _text(data, f"s{n}-{name}") for name in _TEXTS}
        key = _text(data, f"s{n}-key", LONGEST["key"])
        after = tuple(value.replace("\x00", "")[:40] for value in data.getlist(f"s{n}-after")[:MOST_STEPS])
        when = tuple(value.replace("\x00", "")[:80] for value in data.getlist(f"s{n}-when")[:MOST_STEPS])
        rows.append(_row(said, key, after, when))
    return rows


def _row(said: Mapping[str, str], key: str, after: Sequence[str], when: Sequence[str]) -> Row:
    limit = said["limit"].strip()
    days = int(limit) if limit.isascii() and limit.isdigit() and len(limit) <= LONGEST["limit"] else None
    kind = said["kind"] if said["kind"] in FlowStep.Kind.values else FlowStep.Kind.REVIEW
    step = rules.Step(key, said["name"], kind, said["post"], said["authority"], days, tuple(after), tuple(when))
    return Row(step, said["department"], limit)


def _dump(rows: Sequence[Row]) -> str:
    return json.dumps(
        [
            [
                *(row.step.key, row.step.name, row.step.kind, row.department, row.step.post, row.step.authority),
                *(row.limit, row.step.after, row.step.when),
            ]
            for row in rows
        ],
        ensure_ascii=False,
    )


def _load(text: str) -> list[Row] | None:
    """Return rows as _dump() wrote them; None for anything else, since it comes back from a browser."""
    try:
        found = json.loads(text)
        rows = []
        for key, name, kind, department, post, authority, limit, after, when in found[:MOST_STEPS]:
            texts = [key, name, kind, department, post, authority, limit, *after, *when]
            if not all(isinstance(text, str) and len(text) <= 300 and "\x00" not in text for text in texts):
                return None
            said = dict(zip(_TEXTS, (name, kind, department, post, authority, limit), strict=True))
            rows.append(_row(said, key, after, when))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return rows


def _history(text: str) -> tuple[list[str], list[str]]:
    """Return what Desk.history wrote; nothing for anything else, since it comes back from a browser."""
    try:
        unpacked = zlib.decompressobj().decompress(base64.b64decode(text[:400_000], validate=True), 4 * MOST_HISTORY)
        past, future = json.loads(unpacked)
        if all(isinstance(each, list) and all(isinstance(one, str) for one in each) for each in (past, future)):
            return past[-MOST_UNDONE:], future[-MOST_UNDONE:]
    except (ValueError, TypeError, binascii.Error, zlib.error, RecursionError):
        pass
    return [], []


def _questions(text: str) -> tuple[bpmn.Question, ...]:
    """Return imported questions as _dump_questions() wrote them; none for anything else."""
    try:
        return tuple(
            bpmn.Question(
                str(key)[:30],
                str(words)[:200],
                tuple((str(option)[:30], str(label)[:200]) for option, label in options),
                bool(is_multiple),
                tuple(str(name)[:80] for name in when),
            )
            for key, words, options, is_multiple, when in json.loads(text or "[]")[:30]
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return ()


def _dump_questions(questions: Sequence[bpmn.Question]) -> str:
    return json.dumps(
        [[one.key, one.text, one.options, one.is_multiple, one.when] for one in questions], ensure_ascii=False
    )


# Changing the rows


def _change(desk: Desk, act: str) -> str:
    """Do what a button says to the rows; return the key of the step that should have the focus."""
    verb, _dash, key = act.partition(":")
    before, steps = _dump(desk.rows), [row.step for row in desk.rows]
    known = {row.step.key: row for row in desk.rows}
    new = rules.Step(flow_edits.new_key(steps), "", FlowStep.Kind.REVIEW, "", "", None)
    focus = key
    if verb in {"undo", "redo"}:
        left, other = (desk.past, desk.future) if verb == "undo" else (desk.future, desk.past)
        stood = _load(left.pop()) if left else None
        if stood is not None:
            other.append(before)
            desk.rows = stood
            desk.renumber()
        return ""
    if verb == "add":
        found = flow_edits.put_after(steps, new, steps[-1].key) if steps else [new]
        focus = new.key
    elif key not in known or [step.key for step in steps].count(key) != 1:
        return ""
    elif verb == "after":
        found, focus = flow_edits.put_after(steps, new, key), new.key
    elif verb == "beside":
        found, focus = flow_edits.put_beside(steps, new, key), new.key
    elif verb == "remove":
        found, focus = flow_edits.without(steps, key), ""
    elif verb == "up":
        found = flow_edits.earlier(steps, key)
    elif verb == "down":
        found = flow_edits.later(steps, key)
    else:
        return ""
    if len(found) > MOST_STEPS:
        return ""
    desk.rows = [replace(known[step.key], step=step) if step.key in known else Row(step, is_new=True) for step in found]
    desk.renumber()
    desk.remember(before)
    return focus


def _fill(desk: Desk, request: HttpRequest) -> None:
    """Write one post, authority and limit into every step that lacks its own."""
    before = _dump(desk.rows)
    post, authority, limit = (posted_text(request, f"fill-{name}").strip() for name in ("post", "authority", "limit"))
    for row in desk.rows:
        said = {
            "name": row.step.name,
            "kind": row.step.kind,
            "department": row.department,
            "post": row.step.post.strip() or post[: LONGEST["post"]],
            "authority": row.step.authority.strip() or authority[: LONGEST["authority"]],
            "limit": row.limit or limit[: LONGEST["limit"]],
        }
        filled = _row(said, row.step.key, row.step.after, row.step.when)
        row.step, row.limit = filled.step, filled.limit
    desk.remember(before)


# Looking


def _judge(desk: Desk) -> dict[str, Any]:
    """Write beside each step what is wrong with it; return what is wrong with the whole, and the chart if any."""
    steps = [row.step for row in desk.rows]
    # A limit that was written wrong is not also missing.
    said = [replace(row.step, limit_days=0) if row.limit else row.step for row in desk.rows]
    for row, faults in zip(desk.rows, rules.faults_by_step(said), strict=True):
        row.faults = list(faults)
        if row.limit and row.step.limit_days is None:
            row.faults.append(_("时限“%(limit)s”不是几个工作日，请写整数，当天就写 0。") % {"limit": row.limit[:20]})
        row.faults += [
            _("没有“%(name)s”这个回答了，请去掉。") % {"name": name}
            for name in row.step.when
            if name not in desk.labels
        ]
    beside = {fault for row in desk.rows for fault in row.faults}
    faults = [fault for fault in rules.flow_faults(said) if fault not in beside]
    found: dict[str, Any] = {"faults": faults, "chart": None, "fault_count": sum(len(row.faults) for row in desk.rows)}
    try:
        found["longest"] = rules.longest_path(steps)
    except rules.BrokenFlow:
        return found
    if steps and not faults and not found["fault_count"]:
        found["advice"] = rules.decision_faults(steps)
    own = desk.item.department.name
    drawn = [
        ChartStep(
            replace(row.step, name=row.step.name or _("（没有名称）")),
            desk.departments[row.department].name if row.department in desk.departments else own,
            tuple(desk.labels.get(name, name) for name in row.step.when),
        )
        for row in desk.rows
    ]
    found["chart"] = flowchart.chart(drawn)
    numbers = {step.key: number for number, step in enumerate(steps, 1)}
    promise = promised_days(desk.version)
    found["promise"] = promise
    # Receiving comes before the clock starts, making and delivering have their own (LAW-14, LAW-11).
    on_clock = [kind for kind in FlowStep.Kind.values if kind not in rules.OFF_THE_CLOCK]
    found["counted"] = rules.longest_path(steps, on_clock)
    found["slowest"] = [numbers[key] for key in rules.slowest_way(steps, on_clock)]
    found["is_over"] = promise is not None and found["counted"] > promise
    return found


def _page(
    request: StaffRequest,
    desk: Desk,
    *,
    status: int = 200,
    seen: str = "",
    focus: str = "",
    asked: bool = False,
    **more: Any,
) -> HttpResponse:
    context = {
        "item": desk.item,
        "version": desk.version,
        "is_draft": desk.version.state == ItemVersion.State.DRAFT,
        "desk": desk,
        "rows": [_shown(desk, row) for row in desk.rows],
        "kinds": FlowStep.Kind.choices,
        "departments": desk.departments.values(),
        "questions": _dump_questions(desk.questions) if desk.questions else "",
        "history": desk.history,
        "seen": seen or actions.mark_of(desk.version),
        "focus": focus,
        # An untouched page says nothing about what is wrong yet; one that was tried says all.
        "asked": asked,
        "may_edit": access.allowed(request.staff, "catalog.edit", department=desk.item.department),
        "most": MOST_STEPS,
    }
    return render(request, "workbench/catalog/flow.html", context | _judge(desk) | more, status=status)


def _shown(desk: Desk, row: Row) -> dict[str, Any]:
    others = [
        {
            "key": other.step.key,
            "number": other.number,
            "name": other.step.name.strip() or _("（没有名称）"),
            "on": other.step.key in row.step.after,
        }
        for other in desk.rows
        if other is not row
    ]
    groups: dict[str, list[dict[str, Any]]] = {}
    for name, label in desk.labels.items():
        text = desk.texts.get(name.partition(".")[0], "")
        groups.setdefault(text, []).append({"name": name, "label": label, "on": name in row.step.when})
    if gone := [{"name": name, "label": name, "on": True} for name in row.step.when if name not in desk.labels]:
        groups[_("已经没有的回答")] = gone
    return {"row": row, "others": others, "groups": groups}


# Pages


@staff_page("catalog.edit", "catalog.publish")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: StaffRequest, pk: UUID) -> HttpResponse:
    if request.method != "POST":
        return _page(request, _desk(request, pk))
    desk = _desk(request, pk, request.POST)
    if not access.allowed(request.staff, "catalog.edit", department=desk.item.department):
        raise PermissionDenied
    act, seen = posted_text(request, "do"), posted_text(request, "seen")
    if act == "save":
        return _save(request, desk, seen)
    if act == "fill":
        _fill(desk, request)
        return _page(request, desk, seen=seen, asked=True)
    focus = _change(desk, act)
    return _page(request, desk, seen=seen, focus=focus, asked=act == "preview")


def _needed(desk: Desk) -> list[bpmn.Question]:
    """Return the imported questions some step still depends on, be it through another question."""
    wanted = {name.partition(".")[0] for row in desk.rows for name in row.step.when}
    kept: list[bpmn.Question] = []
    # The question asked first stands first; who depends on it comes after.
    for question in reversed(desk.questions):
        if question.key in wanted:
            kept.insert(0, question)
            wanted |= {name.partition(".")[0] for name in question.when}
    return kept


def _save(request: StaffRequest, desk: Desk, seen: str) -> HttpResponse:
    found = _judge(desk)
    if found["faults"] or found["fault_count"]:
        return _page(request, desk, seen=seen, asked=True, status=422)
    drafts = [
        StepDraft(
            row.step.key,
            row.step.name,
            row.step.kind,
            row.step.post,
            row.step.authority,
            row.step.limit_days,
            desk.departments.get(row.department),
            row.step.after,
            row.step.when,
        )
        for row in desk.rows
    ]
    try:
        save_flow(desk.item, drafts, questions=_needed(desk), by=request.staff, at=timezone.now(), seen=seen or "none")
    except actions.ChangedMeanwhile as error:
        stored = _desk(request, desk.item.pk)
        if _dump(stored.rows) == _dump(desk.rows):  # what was sent is what stands: the same form came twice
            return redirect("workbench:catalog-flow", desk.item.pk)
        # The new mark: what the other wrote is on the page now.
        return _page(request, desk, refused=[str(error)], stored=stored.rows, status=409)
    except DomainError as error:
        reasons = getattr(error, "reasons", [str(error)])
        return _page(request, desk, seen=seen, refused=reasons, status=422)
    messages.success(request, _("流程存进草稿了。发布以前，大家看到的还是原来的。"))
    return redirect("workbench:catalog-flow", desk.item.pk)


@staff_page("catalog.edit", "catalog.publish")
@require_POST
def preview(request: StaffRequest, pk: UUID) -> HttpResponse:
    """The chart of what is in the form, and what is wrong with it; nothing is written."""
    desk = _desk(request, pk, request.POST)
    context = {"item": desk.item, "version": desk.version, "desk": desk, "asked": True}
    return render(request, "workbench/catalog/flow_preview.html", context | _judge(desk))


@staff_page("catalog.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def take(request: StaffRequest, pk: UUID) -> HttpResponse:
    """A BPMN file: what of it can be taken; as a draft it goes into the editor, not into the database."""
    desk = _desk(request, pk)
    if not access.allowed(request.staff, "catalog.edit", department=desk.item.department):
        raise PermissionDenied
    context: dict[str, Any] = {"item": desk.item, "version": desk.version}
    if request.method != "POST":
        return render(request, "workbench/catalog/flow_import.html", context)
    upload = request.FILES.get("file")
    if upload is None or upload.file is None:
        context["refused"] = _("请先选一个 BPMN 文件。")
    else:
        try:
            report = bpmn.read(
                cast(BinaryIO, upload.file), (upload.name or "")[:100], posted_text(request, "process")[:200]
            )
        except bpmn.UnreadableFlow as error:
            context["refused"] = str(error)
        else:
            if report.importable and len(report.steps) > MOST_STEPS:
                context["refused"] = _("一个事项最多 %(most)d 步，这个文件有 %(count)d 步。") % {
                    "most": MOST_STEPS,
                    "count": len(report.steps),
                }
            elif report.importable:
                return _taken(request, desk, report)
            else:
                context |= {"report": report, "chosen": posted_text(request, "process")}
    return render(request, "workbench/catalog/flow_import.html", context, status=422)


def _taken(request: StaffRequest, desk: Desk, report: bpmn.Report) -> HttpResponse:
    ids = {row.name: pk for pk, row in desk.departments.items()}
    before = _dump(desk.rows)
    own = str(desk.item.department_id)
    desk.rows = []
    for each in report.steps:
        department = ids.get(each.department, "")
        days = "" if each.step.limit_days is None else str(each.step.limit_days)
        desk.rows.append(Row(each.step, "" if department == own else department, days, is_new=True))
    desk.ask(report.questions)
    desk.renumber()
    desk.remember(before)
    return _page(request, desk, report=report, asked=True)


@staff_page("catalog.edit", "catalog.publish")
@require_safe
def export(request: StaffRequest, pk: UUID, form: str) -> HttpResponse:
    """The flow of the working edition as a file."""
    version = _desk(request, pk).version
    return flow_file(version, form, is_download=True)


def flow_file(version: ItemVersion, form: str, *, is_download: bool) -> HttpResponse:
    """Return the flow of an edition, its item loaded, as a response: form "bpmn", "svg" or "pdf"."""
    steps = chart_steps(version)
    item = version.item
    match form:
        case "bpmn":
            content = bpmn.write(steps, name=version.name, code=item.task_code, organ=item.department.name)
            kind = "application/xml"
        case "svg":
            content = flowchart.chart(steps).svg(version.name).encode()
            kind = "image/svg+xml"
        case _:
            content = flow_pdf(version, steps, at=timezone.now())
            kind = "application/pdf"
    name = f"{item.task_code}.{form}"
    headers = {"Content-Disposition": content_disposition_header(is_download, name) or "inline"}
    return HttpResponse(content, content_type=kind, headers=headers)


urlpatterns = [
    path("items/<uuid:pk>/flow", edit, name="catalog-flow"),
    path("items/<uuid:pk>/flow/preview", preview, name="catalog-flow-preview"),
    path("items/<uuid:pk>/flow/import", take, name="catalog-flow-import"),
    path("items/<uuid:pk>/flow.bpmn", export, {"form": "bpmn"}, name="catalog-flow-bpmn"),
    path("items/<uuid:pk>/flow.svg", export, {"form": "svg"}, name="catalog-flow-svg"),
    path("items/<uuid:pk>/flow.pdf", export, {"form": "pdf"}, name="catalog-flow-pdf"),
]
