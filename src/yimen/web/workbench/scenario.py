"""The editor's questions: what is asked, what each answer switches on, and what every way of answering comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.forms import formset_factory
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yimen.catalog import actions, queries
from yimen.catalog.actions import scenario as acts
from yimen.catalog.models import ItemVersion, ScenarioOption, ScenarioQuestion, ServiceItem
from yimen.catalog.queries import scenario
from yimen.catalog.queries.checklists import checklist
from yimen.catalog.rules import scenario as rules
from yimen.catalog.rules.scenario import Option, Question
from yimen.lib.errors import DomainError
from yimen.lib.text import listed
from yimen.people import access
from yimen.web.portal.checklist import place
from yimen.web.workbench.catalog.common import item_or_404
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page
from yimen.web.workbench.receiving import answers as answers_sent

PATHS_A_PAGE = 25
# More ways than this nobody checks one by one.
MANY_PATHS = 200
NEW = "new"


@dataclass
class Desk:
    """The item and its latest edition, as the pages of this module work on it."""

    item: ServiceItem
    version: ItemVersion
    questions: tuple[Question, ...]
    may_edit: bool

    def question(self, key: str) -> Question:
        found = next((one for one in self.questions if one.key == key), None)
        if found is None:
            raise Http404
        return found

    def labels(self) -> dict[str, str]:
        """Every option by name, in words."""
        return {
            name: option.label for one in self.questions for name, option in zip(one.names(), one.options, strict=True)
        }

    def context(self) -> dict[str, Any]:
        return {
            "item": self.item,
            "version": self.version,
            "questions": self.questions,
            "may_edit": self.may_edit,
            "is_draft": self.version.state == ItemVersion.State.DRAFT,
            "seen": actions.mark_of(self.version),
        }


def _desk(request: StaffRequest, pk: UUID) -> Desk:
    item = item_or_404(request, pk)
    version = queries.working_edition(item)
    if version is None:
        raise Http404
    version.item = item
    may_edit = access.allowed(request.staff, "catalog.edit", department=item.department)
    return Desk(item, version, scenario.questions_of(version), may_edit)


def _save(
    request: StaffRequest, desk: Desk, questions: Sequence[Question], **whens: Mapping[str, Sequence[str]]
) -> str:
    """Save and return "", else the sentence of the refusal. Right and mark are judged by the act."""
    if not desk.may_edit:
        raise PermissionDenied
    try:
        acts.save_questions(
            desk.item, questions, by=request.staff, at=timezone.now(), seen=posted_text(request, "seen"), **whens
        )
    except DomainError as error:
        return str(error)
    return ""


def _home(desk: Desk, anchor: str = "") -> HttpResponse:
    return redirect(reverse("workbench:catalog-scenario", args=[desk.item.pk]) + (f"#{anchor}" if anchor else ""))


@staff_page("catalog.edit", "catalog.publish")
@require_safe
def overview(request: StaffRequest, pk: UUID) -> HttpResponse:
    """All questions, everything wrong with them, and the list of every way of answering."""
    desk = _desk(request, pk)
    labels = desk.labels()
    whole = scenario.scenario_of(desk.version)
    found = rules.findings(whole, statutory=desk.version.statutory)
    context = desk.context() | {
        "rows": [
            {
                "question": one,
                "when": listed(labels.get(name, name) for name in one.when),
                "uses": [(option, _uses(desk, name, labels)) for name, option in _named(one)],
            }
            for one in desk.questions
        ],
        "faults": [finding.text for finding in found if finding.keeps_back],
        "hints": [finding.text for finding in found if not finding.keeps_back],
    }
    try:
        paths = rules.all_paths(desk.questions) if desk.questions else []
    except rules.TooManyPaths as error:
        return render(request, "workbench/scenario/overview.html", context | {"too_many": str(error)})
    page = Paginator(paths, PATHS_A_PAGE).get_page(request.GET.get("page"))
    context |= {
        "page": page,
        "path_count": len(paths),
        "is_many": len(paths) > MANY_PATHS,
        "dead_count": sum(path.dead_end is not None for path in paths),
        "always": {name: [one.name for one in getattr(whole, name) if not one.when] for name in ("materials", "steps")},
        "ways": [_way(path, rules.outcome(whole, path.chosen)) for path in page],
    }
    return render(request, "workbench/scenario/overview.html", context)


def _way(path: rules.Walk, out: rules.Outcome) -> tuple[str, rules.Outcome, dict[str, list[str]]]:
    """A row of the table: the answers in words, what they come to, and what not everybody needs."""
    conditional = {name: [one.name for one in getattr(out, name) if one.when] for name in ("materials", "steps")}
    return rules.path_words(path), out, conditional


def _named(one: Question) -> list[tuple[str, Option]]:
    return list(zip(one.names(), one.options, strict=True))


def _uses(desk: Desk, name: str, labels: Mapping[str, str]) -> list[str]:
    """Everything that names this option, in words."""
    version = desk.version
    return [
        *(row.name for row in version.materials.all() if name in row.when),
        *(row.name for row in version.steps.all() if name in row.when),
        *(row.title for row in version.forms.all() if name in row.when),
        *(one.text for one in desk.questions if name in one.when),
    ]


# One question with its answers


class QuestionForm(forms.Form):
    text = forms.CharField(
        label=gettext_lazy("问什么"),
        max_length=200,
        help_text=gettext_lazy("用大家的话问，一次问一件事，例如“您是个人还是公司？”。"),
        error_messages={"required": gettext_lazy("请写要问的话。")},
    )
    help = forms.CharField(label=gettext_lazy("说明（可以不写）"), max_length=300, required=False)
    is_multiple = forms.BooleanField(label=gettext_lazy("可以选几个"), required=False)
    when = forms.MultipleChoiceField(
        label=gettext_lazy("什么时候才问"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("一个也不选，就是人人都问。同一个问题选几个，有一个就问；不同的问题都选了，要都满足。"),
    )

    def __init__(self, *args: Any, options: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if options:
            self.fields["when"].choices = options  # type: ignore[attr-defined]
        else:
            del self.fields["when"]


class OptionForm(forms.Form):
    """An answer; an emptied label takes it out."""

    key = forms.CharField(max_length=30, required=False, widget=forms.HiddenInput)
    label = forms.CharField(label=gettext_lazy("回答"), max_length=200, required=False)
    note = forms.CharField(label=gettext_lazy("说明"), max_length=300, required=False)
    promised_limit = forms.IntegerField(
        label=gettext_lazy("承诺几个工作日"), min_value=0, max_value=999, required=False
    )
    dead_end = forms.CharField(label=gettext_lazy("选了就办不了：为什么、去哪里"), max_length=300, required=False)


Options = formset_factory(OptionForm, extra=0, max_num=rules.MOST_OPTIONS, absolute_max=rules.MOST_OPTIONS)
EMPTY_ROWS = 2


@staff_page("catalog.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def question(request: StaffRequest, pk: UUID, key: str) -> HttpResponse:
    """Write one question and its answers; key "new" adds one at the end."""
    desk = _desk(request, pk)
    old = Question("", "") if key == NEW else desk.question(key)
    posted = request.POST if request.method == "POST" else None
    before = desk.questions if key == NEW else desk.questions[: desk.questions.index(old)]
    options = [(name, f"{one.text} {option.label}") for one in before for name, option in _named(one)]
    form = QuestionForm(
        posted,
        options=options,
        initial={"text": old.text, "help": old.help, "is_multiple": old.is_multiple, "when": list(old.when)},
    )
    rows = [
        {"key": o.key, "label": o.label, "note": o.note, "promised_limit": o.promised_limit, "dead_end": o.dead_end}
        for o in old.options
    ]
    rows += [{}] * min(EMPTY_ROWS if rows else 2 * EMPTY_ROWS, rules.MOST_OPTIONS - len(rows))
    answers = Options(posted, prefix="o", initial=rows)
    refused, status = "", 200
    if posted is not None:
        status = 422
        if all([form.is_valid(), answers.is_valid()]):
            new = _question(desk, old, form, [row.cleaned_data for row in answers])
            changed = [*desk.questions, new] if key == NEW else [new if one == old else one for one in desk.questions]
            refused = _save(request, desk, changed)
            if not refused:
                messages.success(request, _("草稿已保存。发布以前，大家看到的还是原来的。"))
                return _home(desk, f"q-{new.key}")
    context = desk.context() | {"form": form, "answers": answers, "old": old, "is_new": key == NEW, "refused": refused}
    return render(request, "workbench/scenario/question.html", context, status=status)


def _question(desk: Desk, old: Question, form: QuestionForm, rows: Sequence[Mapping[str, Any]]) -> Question:
    said = form.cleaned_data
    keys = {option.key for option in old.options}
    key = old.key or _fresh("q", _keys_ever(ScenarioQuestion, version__item=desk.item))
    taken = keys | _keys_ever(ScenarioOption, question__version__item=desk.item, question__key=key)
    options: list[Option] = []
    for row in rows:
        label = row.get("label", "").replace("\x00", "").strip()
        if label:
            own = row["key"] if row["key"] in keys else _fresh("a", taken)
            taken.add(own)
            note, dead = (row[name].replace("\x00", "").strip() for name in ("note", "dead_end"))
            options.append(Option(own, label, note, row["promised_limit"], dead))
    text, help_text = (said[name].replace("\x00", "").strip() for name in ("text", "help"))
    return Question(key, text, tuple(options), help_text, said["is_multiple"], tuple(said.get("when", ())))


def _keys_ever(model: Any, **where: Any) -> set[str]:
    """Keys are never used again, so that an old checklist cannot mean something else."""
    return set(model.objects.filter(**where).values_list("key", flat=True))


def _fresh(letter: str, taken: set[str]) -> str:
    n = 1
    while f"{letter}{n}" in taken:
        n += 1
    return f"{letter}{n}"


@staff_page("catalog.edit")
@require_POST
def move(request: StaffRequest, pk: UUID, key: str) -> HttpResponse:
    """One place up or down, as `to` says."""
    desk = _desk(request, pk)
    asked = list(desk.questions)
    here = asked.index(desk.question(key))
    there = here + (1 if posted_text(request, "to") == "down" else -1)
    if 0 <= there < len(asked):
        asked[here], asked[there] = asked[there], asked[here]
        if refused := _save(request, desk, asked):
            messages.error(request, refused)
    return _home(desk, f"q-{key}")


@staff_page("catalog.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: StaffRequest, pk: UUID, key: str) -> HttpResponse:
    """Say what hangs on the question, then take it out."""
    desk = _desk(request, pk)
    one = desk.question(key)
    refused = ""
    if request.method == "POST":
        refused = _save(request, desk, [each for each in desk.questions if each != one])
        if not refused:
            messages.success(request, _("问题删掉了。草稿没有发布，大家看到的还是原来的。"))
            return _home(desk)
    labels = desk.labels()
    uses = [(option, used) for name, option in _named(one) if (used := _uses(desk, name, labels))]
    context = desk.context() | {"question": one, "uses": uses, "refused": refused}
    return render(request, "workbench/scenario/delete.html", context, status=422 if refused else 200)


# What answers switch on


@staff_page("catalog.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def attach(request: StaffRequest, pk: UUID) -> HttpResponse:
    """The table of materials, steps and forms against answers: a tick says that this answer makes it needed."""
    desk = _desk(request, pk)
    names = [name for one in desk.questions for name in one.names()]
    things = _things(desk.version)
    refused = ""
    if request.method == "POST":
        for kind, rows in things.items():
            for n, row in enumerate(rows):
                ticked = set(request.POST.getlist(f"{kind}-{n}"))
                row.when = [name for name in names if name in ticked]
        refused = _save(
            request,
            desk,
            desk.questions,
            **{kind: {row.key: row.when for row in rows} for kind, rows in things.items()},
        )
        if not refused:
            messages.success(request, _("草稿已保存。发布以前，大家看到的还是原来的。"))
            return _home(desk)
    words = {"materials": _("材料"), "steps": _("步骤"), "forms": _("表格")}
    context = desk.context() | {
        "parts": [(words[kind], kind, rows) for kind, rows in things.items()],
        "columns": [(one, _named(one)) for one in desk.questions],
        "refused": refused,
    }
    return render(request, "workbench/scenario/attach.html", context, status=422 if refused else 200)


@dataclass
class _Thing:
    """What answers may switch on; key: what the act knows it by."""

    key: str
    name: str
    when: list[str]


def _things(version: ItemVersion) -> dict[str, list[_Thing]]:
    return {
        "materials": [_Thing(row.name, row.name, list(row.when)) for row in version.materials.all()],
        "steps": [_Thing(row.key, row.name, list(row.when)) for row in version.steps.all()],
        "forms": [_Thing(row.key, row.title, list(row.when)) for row in version.forms.all()],
    }


@staff_page("catalog.edit", "catalog.publish")
@require_safe
def preview(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Answer as a citizen would, with the edition that is being written."""
    desk = _desk(request, pk)
    sent = answers_sent(request.GET, desk.item, desk.version)
    context = desk.context() | {"answers": sent}
    if sent.walk.is_complete:
        on = localdate(timezone.now())
        context["found"] = checklist(desk.item, desk.version, sent.walk.chosen, center=place(), on=on)
    return render(request, "workbench/scenario/preview.html", context)


urlpatterns = [
    path("items/<uuid:pk>/questions", overview, name="catalog-scenario"),
    path("items/<uuid:pk>/questions/attach", attach, name="scenario-attach"),
    path("items/<uuid:pk>/questions/preview", preview, name="scenario-preview"),
    path("items/<uuid:pk>/questions/<slug:key>/edit", question, name="scenario-question"),
    path("items/<uuid:pk>/questions/<slug:key>/move", move, name="scenario-move"),
    path("items/<uuid:pk>/questions/<slug:key>/delete", delete, name="scenario-delete"),
]
