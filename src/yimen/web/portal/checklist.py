"""看看您要带什么: one question a page, then a list for this one person; forms blank, as a sample, or filled in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone, translation
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from yimen.catalog import papers
from yimen.catalog.leaflets import Place
from yimen.catalog.models import ItemVersion, ServiceItem
from yimen.catalog.queries import guides, scenario
from yimen.catalog.queries.checklists import Checklist, checklist
from yimen.catalog.rules import forms as form_rules
from yimen.catalog.rules import scenario as rules
from yimen.web import context

MOST_ANSWERS = 60
_NAME = re.compile(r"[\w-]{1,30}\.[\w-]{1,30}", re.ASCII)


def answers_of(values: Iterable[str]) -> list[str]:
    """Return the names of options in `a=…&a=…` or `a=…,…`; anything else is as good as nothing."""
    names = [name for value in values for name in value.split(",")]
    return list(dict.fromkeys(name for name in names if _NAME.fullmatch(name)))[:MOST_ANSWERS]


def query_of(version: ItemVersion, chosen: Iterable[str], **more: str) -> str:
    """Return the query string that opens these answers again; only keys of options stand in it."""
    names = ",".join(chosen)
    rest = "".join(f"&{key}={value}" for key, value in more.items())
    return f"?v={version.number}{f'&a={names}' if names else ''}{rest}"


def place() -> Place:
    one = context.center()
    return Place(one.name, one.motto, one.address, one.hours, one.phone)


def published(code: str) -> tuple[ServiceItem, ItemVersion]:
    item = guides.guide(context.center().region, code)
    if item is None or item.published is None:
        raise Http404
    item.published.item = item
    return item, item.published


def _asked_edition(request: HttpRequest, version: ItemVersion) -> int | None:
    """The number of the edition the address was made for, when it is another one than today's."""
    text = request.GET.get("v", "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else None
    return number if number not in {None, version.number} else None


@require_safe
def questions(request: HttpRequest, code: str) -> HttpResponse:
    """
    The next question without an answer, or the one named by `at`; after the last one, the list.

    a: the answers so far; at: a question to answer again; sent: it was just answered.
    """
    item, version = published(code)
    asked = scenario.questions_of(version)
    given = answers_of(request.GET.getlist("a"))
    walk = rules.walk(asked, given)
    at = next((one for one in walk.asked if one.key == request.GET.get("at", "")), None)
    # Sent without a choice: `at` names the question, and it has no answer.
    is_empty = "sent" in request.GET and (walk.next is not None and walk.next.key == request.GET.get("at", ""))
    if "sent" in request.GET:
        at = None
    here = reverse("portal:questions", args=[item.task_code])
    if at is None and walk.is_complete:
        return redirect(reverse("portal:checklist", args=[item.task_code]) + query_of(version, walk.chosen))
    question = at or walk.next
    values: dict[str, Any] = {
        "item": item,
        "version": version,
        "said": [(one, [option.label for option in walk.of(one)]) for one in walk.asked],
        "changed": _asked_edition(request, version),
    }
    if question is None:
        last = walk.asked[-1]
        values |= {"dead_end": walk.dead_end, "again": here + query_of(version, walk.chosen, at=last.key)}
        return render(request, "portal/questions_end.html", values)
    place_of = next((n for n, one in enumerate(walk.asked) if one.key == question.key), len(walk.asked))
    before = walk.asked[place_of - 1] if place_of else None
    values |= {
        "question": question,
        "options": [
            (name, option, name in given) for name, option in zip(question.names(), question.options, strict=True)
        ],
        "kept": [name for name in given if name not in question.names()],
        "number": place_of + 1,
        "later": walk.later if question == walk.next else None,
        "is_empty": is_empty,
        "back": here + query_of(version, given, at=before.key) if before else "",
    }
    return render(request, "portal/questions.html", values, status=422 if is_empty else 200)


def _list(request: HttpRequest, code: str, *, is_dated: bool) -> tuple[ServiceItem, ItemVersion, Checklist]:
    item, version = published(code)
    given = answers_of(request.GET.getlist("a"))
    found = checklist(item, version, given, center=place(), on=timezone.localdate(), is_dated=is_dated)
    return item, version, found


@require_safe
def show(request: HttpRequest, code: str) -> HttpResponse:
    """The personal list; answers that do not reach the end lead back to the questions."""
    item, version, found = _list(request, code, is_dated=True)
    changed = _asked_edition(request, version)
    query = query_of(version, found.walk.chosen)
    if not found.walk.is_complete:
        back = f"?{request.GET.urlencode()}" if changed else query
        return redirect(reverse("portal:questions", args=[item.task_code]) + back)
    here = reverse("portal:checklist", args=[item.task_code])
    questions_at = reverse("portal:questions", args=[item.task_code])
    values = {
        "item": item,
        "version": version,
        "found": found,
        "sheet": found.sheet,
        "answers": found.sheet.answers,
        "changed": changed,
        "said": [(one, questions_at + query_of(version, found.walk.chosen, at=one.question.key)) for one in found.said],
        "url": settings.BASE_URL + here + query,
        "pdf": reverse("portal:checklist-pdf", args=[item.task_code]) + query,
        "together": reverse("portal:forms", args=[item.task_code]) + query,
    }
    return render(request, "portal/checklist.html", values)


@require_safe
def as_pdf(request: HttpRequest, code: str) -> HttpResponse:
    with translation.override("zh-hans"):
        # Paper is read on other days than it is printed.
        item, version, found = _list(request, code, is_dated=False)
        if not found.walk.is_complete:
            return redirect(reverse("portal:questions", args=[item.task_code]) + query_of(version, found.walk.chosen))
        address = reverse("portal:checklist", args=[item.task_code]) + query_of(version, found.walk.chosen)
        made = papers.checklist_pdf(found, path=address, at=timezone.now())
    return _pdf(made, f"我的清单-{version.name}.pdf")


# Forms


def _form(code: str, key: str) -> tuple[ServiceItem, ItemVersion, form_rules.Form]:
    item, version = published(code)
    row = next((one for one in version.forms.all() if one.key == key), None)
    if row is None:
        raise Http404
    return item, version, scenario.plain_form(row)


@require_safe
def blank(request: HttpRequest, code: str, key: str) -> HttpResponse:
    _item, version, form = _form(code, key)
    made = papers.form_sheet(form, item=version.name, center=place(), at=timezone.now())
    return _pdf(made, f"{form.title}.pdf")


@require_safe
def sample(request: HttpRequest, code: str, key: str) -> HttpResponse:
    """How it is filled in; 404 where nobody has made a sample."""
    _item, version, form = _form(code, key)
    if not form.sample:
        raise Http404
    made = papers.form_sheet(form, form.sample, item=version.name, center=place(), at=timezone.now(), is_sample=True)
    return _pdf(made, f"{form.title}-填写样例.pdf")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def form(request: HttpRequest, code: str, key: str) -> HttpResponse:
    """The form with its sample; filled in, it comes back as PDF to print and sign. What was typed is not kept."""
    item, version, found = _form(code, key)
    posted = request.method == "POST"
    typed = {one.name: request.POST.get(f"f-{one.name}", "") for one in form_rules.fields_of(found.schema)}
    faults: list[form_rules.ValueFault] = []
    if posted:
        values = form_rules.read_values(found.schema, typed)
        faults = form_rules.check_values(found.schema, values, today=timezone.localdate())
        if not faults:
            made = papers.form_sheet(found, values, item=version.name, center=place(), at=timezone.now())
            return _pdf(made, f"{found.title}.pdf")
    values = {
        "item": item,
        "version": version,
        "form": found,
        "fields": ask(found.schema, typed, faults),
        "faults": faults,
        "sample": form_rules.sample_rows(found),
    }
    return render(request, "portal/checklist_form.html", values, status=422 if faults else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def together(request: HttpRequest, code: str) -> HttpResponse:
    """All forms his answers ask for as one: what they share is asked once, and every form comes back filled in."""
    item, version = published(code)
    chosen = rules.walk(scenario.questions_of(version), answers_of(request.GET.getlist("a"))).chosen
    applying = rules.applying([scenario.plain_form(row) for row in version.forms.all()], chosen)
    if not applying:
        raise Http404
    merged = form_rules.merge_forms(applying)
    typed = {one.name: request.POST.get(f"f-{one.name}", "") for one in form_rules.fields_of(merged.schema)}
    faults: list[form_rules.ValueFault] = []
    if request.method == "POST":
        values = form_rules.read_values(merged.schema, typed)
        faults = form_rules.check_values(merged.schema, values, today=timezone.localdate())
        if not faults:
            split = form_rules.split_values(values, applying)
            sheets = [(one, split[one.key]) for one in applying]
            made = papers.form_sheets(sheets, item=version.name, center=place(), at=timezone.now())
            return _pdf(made, f"{version.name}.pdf")
    context = {
        "item": item,
        "version": version,
        "forms": applying,
        "fields": ask(merged.schema, typed, faults),
        "faults": faults,
        "shared_count": len(merged.shared),
        "here": reverse("portal:forms", args=[item.task_code]) + query_of(version, chosen),
    }
    return render(request, "portal/checklist_forms.html", context, status=422 if faults else 200)


def ask(
    schema: Any, typed: dict[str, str], faults: Iterable[form_rules.ValueFault] = (), *, without: Iterable[str] = ()
) -> list[dict[str, Any]]:
    """Return the fields as components/json_field.html draws them, with what was typed and what is wrong."""
    wrong = {fault.name: fault.reason for fault in faults}
    left_out = set(without)
    return [
        {"of": one, "id": f"f-{one.name}", "value": typed.get(one.name, ""), "error": wrong.get(one.name, "")}
        for one in form_rules.fields_of(schema)
        if one.name not in left_out
    ]


def _pdf(made: bytes, name: str) -> HttpResponse:
    headers = {"Content-Disposition": content_disposition_header(False, name) or "inline"}
    return HttpResponse(made, content_type="application/pdf", headers=headers)


urlpatterns = [
    path("items/<str:code>/questions", questions, name="questions"),
    path("items/<str:code>/checklist", show, name="checklist"),
    path("items/<str:code>/checklist.pdf", as_pdf, name="checklist-pdf"),
    path("items/<str:code>/forms", together, name="forms"),
    path("items/<str:code>/forms/<slug:key>", form, name="form"),
    path("items/<str:code>/forms/<slug:key>/blank.pdf", blank, name="form-blank"),
    path("items/<str:code>/forms/<slug:key>/sample.pdf", sample, name="form-sample"),
]
