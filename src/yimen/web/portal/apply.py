"""网上办: from the guide to a case, a step at a time; every step is saved, none is lost (S1-6, LAW-24, REL-19)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from yimen.cases.actions import applying, bundle_applying
from yimen.cases.models import ApplicationDraft, Case
from yimen.cases.queries import applying as drafts
from yimen.cases.queries import bundle_drafts
from yimen.cases.rules import applying as rules
from yimen.catalog.queries import bundles, scenario
from yimen.catalog.rules import forms as form_rules
from yimen.catalog.rules import scenario as scenario_rules
from yimen.lib.errors import DomainError
from yimen.people.queries import main_center
from yimen.web import context
from yimen.web.once import Done, keyed
from yimen.web.portal import kept
from yimen.web.portal.account import OFFERED, CitizenRequest, citizen_page
from yimen.web.portal.cases import open_case
from yimen.web.portal.checklist import MOST_ANSWERS, answers_of, ask, published
from yimen.web.portal.files import draft_of
from yimen.web.templatetags.yimen import clock_time

FIELD, SAY = "f-", "say-"
ASKED = bundle_applying.ASKED
_NAMED = re.compile(r"[\w-]{1,40}~[\w-]{1,40}(\.[\w-]{1,30})?", re.ASCII)


def _start_page(request: CitizenRequest, code: str, *, refused: str = "") -> HttpResponse:
    item, version = published(code)
    values = {
        "item": item,
        "version": version,
        "is_online": rules.is_online(version.channels, version.online_depth),
        "other_ways": rules.other_ways(version.channels),
        "begun": [
            one for one in drafts.drafts_of(request.applicant) if one.version.item_id == item.pk and not one.bundle_id
        ],
        "chosen": answers_of(request.GET.getlist("a")),
        "refused": refused,
    }
    return render(request, "portal/apply_start.html", values)


@keyed("cases.begin_draft", stay=_start_page)
def _begin(request: CitizenRequest, code: str) -> Done:
    _item, version = published(code)
    chosen = answers_of(request.POST.getlist("a"))
    draft = applying.begin(version, request.applicant, at=timezone.now(), chosen=chosen)
    return Done(reverse("portal:draft", args=[draft.pk, "questions"]))


@citizen_page
@require_http_methods(OFFERED)
def start(request: CitizenRequest, code: str) -> HttpResponse:
    """What it takes, which other ways there are (LAW-24), and what was begun already."""
    return _begin(request, code) if request.method == "POST" else _start_page(request, code)


def _start_bundle_page(request: CitizenRequest, code: str, *, refused: str = "") -> HttpResponse:
    bundle = bundles.offered_bundle(context.center().region, code)
    if bundle is None:
        raise Http404
    chosen = set(request.GET.getlist("k") or request.POST.getlist("k"))
    values = {
        "bundle": bundle,
        "is_online": bundle_drafts.offered_on_line(bundle),
        "items": [(part, part.key in chosen) for part in bundle_drafts.optional_on_line(bundle)],
        "begun": [one for one in drafts.drafts_of(request.applicant) if one.bundle_id == bundle.pk],
        "other_ways": rules.other_ways(()),
        "refused": refused,
    }
    return render(request, "portal/apply_bundle_start.html", values)


@keyed("cases.begin_bundle_draft", stay=_start_bundle_page)
def _begin_bundle(request: CitizenRequest, code: str) -> Done:
    bundle = bundles.offered_bundle(context.center().region, code)
    if bundle is None:
        raise Http404
    items = request.POST.getlist("k")
    found = bundle_applying.begin(bundle, request.applicant, at=timezone.now(), items=items)
    return Done(reverse("portal:draft", args=[found.pk, "questions"]))


@citizen_page
@require_http_methods(OFFERED)
def start_bundle(request: CitizenRequest, code: str) -> HttpResponse:
    """The same for several items at once (一件事)."""
    return _begin_bundle(request, code) if request.method == "POST" else _start_bundle_page(request, code)


# The steps


@citizen_page
@require_http_methods(OFFERED)
def draft(request: CitizenRequest, pk: UUID, step: str) -> HttpResponse:
    """One step of an application. A POST saves, and with `to` goes on when the step is complete."""
    if step not in rules.STEPS:
        raise Http404
    found = drafts.draft_for(request.applicant, pk)
    if found is None:
        raise Http404
    if found.is_sent:
        return _sent(request, found)
    filling = _filling(found)
    if filling is None:
        return _newer(request, found)
    if step not in filling.steps:
        return redirect("portal:draft", pk, _next(filling, step))
    if request.method == "POST":
        return _saved(request, found, step)
    return _page(request, filling, step)


Filling = drafts.Filling | bundle_drafts.BundleFilling


def _acts(found: ApplicationDraft) -> Any:
    """The acts on one item's application, or on that for several."""
    return bundle_applying if found.bundle_id else applying


def _filling(found: ApplicationDraft) -> Filling | None:
    """The draft with what its pages need; None when what it was begun under is not what is published now."""
    today = localdate(timezone.now())
    if not found.bundle_id:
        return drafts.filling(found, on=today) if found.version.item.published_id == found.version_id else None
    offer = bundle_drafts.offered_to(found)
    if offer is None or bundle_drafts.editions_of(offer) != found.plan.get("editions"):
        return None
    return bundle_drafts.filling(found, offer, on=today)


def _sent(request: CitizenRequest, found: ApplicationDraft) -> HttpResponse:
    if found.bundle_case is not None:
        return redirect("portal:bundle-case", found.bundle_case.query_no)
    assert found.case is not None
    open_case(request, found.case)
    return redirect("portal:case", found.case.query_no)


def _newer(request: CitizenRequest, found: ApplicationDraft) -> HttpResponse:
    if found.bundle_id:
        changes = bundle_drafts.what_changed(found, bundle_drafts.offered_to(found))
    else:
        changes = drafts.what_changed(found)
    values = {"draft": found, "changes": changes}
    return render(request, "portal/apply_newer.html", values, status=409 if request.method == "POST" else 200)


def _typed(request: CitizenRequest, step: str, *, is_bundle: bool) -> dict[str, Any]:
    """What this step's form brought, as save() takes it."""
    if step == "questions":
        lists = list(request.POST.lists())
        return {"chosen": (_named if is_bundle else _answers)(lists)}
    if step == "forms":
        return {"typed": {name[2:]: text for name, text in request.POST.items() if name.startswith(FIELD)}}
    if step == "materials":
        return {"handing": {name[4:]: said for name, said in request.POST.items() if name.startswith(SAY)}}
    return {}


def _answers(fields: Iterable[tuple[str, Iterable[Any]]]) -> list[str]:
    """The options chosen: several of one question under `a`, the one of another under `a-` and its key."""
    return answers_of(str(value) for name, values in fields if name == "a" or name[:2] == "a-" for value in values)


def _named(fields: Iterable[tuple[str, Iterable[Any]]]) -> list[str]:
    """The same for several items: "item~<key>" and "<key>~<question>.<option>"."""
    values = [str(value) for name, values in fields if name == "a" or name[:2] == "a-" for value in values]
    return [value for value in dict.fromkeys(values) if _NAMED.fullmatch(value)][:MOST_ANSWERS]


def _edition(request: CitizenRequest) -> int:
    text = request.POST.get("edition", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _saved(request: CitizenRequest, found: ApplicationDraft, step: str) -> HttpResponse:
    at = timezone.now()
    typed = _typed(request, step, is_bundle=bool(found.bundle_id))
    try:
        saved = _acts(found).save(found.pk, edition=_edition(request), by=request.applicant, at=at, step=step, **typed)
    except applying.OtherTab as error:
        now = drafts.draft_for(request.applicant, found.pk) or found
        return _again(request, now, step, refused=str(error), mine=typed, status=409)
    except DomainError as error:
        return _again(request, found, step, refused=str(error), mine=typed, status=422)
    kept.forget(request)
    again = drafts.draft_for(request.applicant, saved.pk)
    if again is None:
        raise Http404
    filling = _filling(again)
    if filling is None:
        return _newer(request, again)
    if request.POST.get("to") != "next":
        messages.success(request, _("存好了，随时可以接着填。"))
        return redirect("portal:draft", found.pk, step)
    if not _is_done(filling, step):
        return _page(request, filling, step, is_checked=True, status=422)
    return redirect("portal:draft", found.pk, _next(filling, step))


def _again(request: CitizenRequest, found: ApplicationDraft, step: str, **values: Any) -> HttpResponse:
    filling = _filling(found)
    return _newer(request, found) if filling is None else _page(request, filling, step, **values)


def _is_done(filling: Filling, step: str) -> bool:
    if step == "questions":
        return filling.walk.is_complete
    if step == "forms":
        return not filling.faults
    return not (step == "materials" and (filling.missing or any(line.coming for line in filling.lines)))


def _next(filling: Filling, step: str) -> str:
    later = [one for one in filling.steps if rules.STEPS.index(one) > rules.STEPS.index(step)]
    return later[0] if later else "check"


def _page(
    request: CitizenRequest,
    filling: Filling,
    step: str,
    *,
    refused: str = "",
    mine: Mapping[str, Any] | None = None,
    is_checked: bool = False,
    status: int = 200,
) -> HttpResponse:
    """A step's page. mine: what this tab typed and could not be saved; it is what the fields show."""
    back = filling.steps[filling.steps.index(step) - 1] if filling.steps.index(step) else ""
    values: dict[str, Any] = {
        "draft": filling.draft,
        "filling": filling,
        "step": step,
        "steps": [(one, _NAMES[one]()) for one in filling.steps],
        "back": back,
        "refused": refused,
        "is_checked": is_checked,
        "other_ways": _other_ways(filling.draft),
    }
    brought = kept.found(request) if request.method != "POST" else {}
    values["is_found"] = bool(brought)
    if step == "questions":
        values |= _questions(filling, (mine or {}).get("chosen"), brought)
    if step == "forms":
        typed = dict(filling.content.typed)
        typed |= {name[2:]: texts[-1] for name, texts in brought.items() if name.startswith(FIELD)}
        typed |= (mine or {}).get("typed", {})
        faults = filling.faults if is_checked else ()
        values["fields"] = ask(filling.merged.schema, typed, faults, without=filling.referred)
        values["faults"] = faults
        values["from_me"] = _from_me(filling)
        values["differs"] = _differs(filling, mine)
    if step == "check":
        values["sheet"] = [
            (field, shown)
            for field, shown in form_rules.rows_of(
                filling.merged.schema, form_rules.read_values(filling.merged.schema, filling.content.typed)
            )
            if field.name not in filling.referred and shown
        ]
        values["from_me"] = _from_me(filling)
        values["is_ready"] = not filling.faults and not filling.missing and filling.walk.is_complete
    return render(request, f"portal/apply_{step}.html", values, status=status)


_NAMES = {
    "questions": lambda: _("您的情况"),
    "forms": lambda: _("填表"),
    "materials": lambda: _("传材料"),
    "check": lambda: _("对一对，交上去"),
}


def _other_ways(found: ApplicationDraft) -> list[str]:
    return rules.other_ways(() if found.bundle_id else found.version.channels)


def _questions(filling: Filling, mine: Any, brought: Mapping[str, list[str]]) -> dict[str, Any]:
    """What may be asked side by side now, each with the field it is answered in; of several items by item."""
    if isinstance(filling, drafts.Filling):
        given = set(mine or _answers(brought.items()) or filling.draft.chosen)
        return {"asked": _asked(scenario.questions_of(filling.draft.version), given)}
    said = mine or _named(brought.items())
    asked = []
    for one in filling.offers:
        key = one.part.key
        if said:
            given = {name.removeprefix(f"{key}{ASKED}") for name in said if name.startswith(f"{key}{ASKED}")}
        else:
            given = set(filling.draft.plan.get("answers", {}).get(key, ()))
        asked += _asked(scenario.questions_of(one.version), given, key)
    return {"asked": asked, "items": filling.optional, "has_more": [one.part.name for one in filling.offers]}


def _asked(questions: Any, given: set[str], key: str = "") -> list[tuple[Any, str, list[tuple[str, Any, bool]]]]:
    ahead = f"{key}{ASKED}" if key else ""
    return [
        (
            one,
            f"{ahead}{one.key}",
            [(ahead + name, option, name in given) for name, option in zip(one.names(), one.options, strict=True)],
        )
        for one in scenario_rules.askable(questions, given)
    ]


def _from_me(filling: Filling) -> list[tuple[str, str]]:
    """What the forms take from his account, masked."""
    applicant = filling.draft.applicant
    words = {
        "applicant.name": applicant.masked_name,
        "applicant.kind": str(applicant.get_kind_display()),
        "applicant.id_number": applicant.masked_id,
        "applicant.phone": applicant.masked_phone,
    }
    return [
        (one.label, words[one.prefill])
        for one in form_rules.fields_of(filling.merged.schema)
        if one.name in filling.referred and one.prefill in words
    ]


def _differs(filling: Filling, mine: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Where another tab has saved something else: label, and what it says."""
    typed = (mine or {}).get("typed", {})
    return [
        (one.label, form_rules.shown(one, filling.content.typed.get(one.name, "")) or "—")
        for one in form_rules.fields_of(filling.merged.schema)
        if one.name in typed and typed[one.name].strip() != filling.content.typed.get(one.name, "").strip()
    ]


@citizen_page
@require_POST
def save(request: CitizenRequest, pk: UUID, step: str) -> HttpResponse:
    """
    Save as it is typed, for the script: {edition, saved}, or 409 with the sentence when another tab was faster.

    Not keyed: the edition decides, and the same content again changes nothing.
    """
    if step not in rules.STEPS:
        raise Http404
    found = draft_of(request, pk)
    try:
        saved = _acts(found).save(
            found.pk,
            edition=_edition(request),
            by=request.applicant,
            at=timezone.now(),
            step=step,
            **_typed(request, step, is_bundle=bool(found.bundle_id)),
        )
    except applying.OtherTab as error:
        return JsonResponse({"error": str(error)}, status=409)
    except DomainError as error:
        return JsonResponse({"error": str(error)}, status=422)
    kept.forget(request)
    said = _("存好了 %(time)s") % {"time": clock_time(saved.saved_at)}
    return JsonResponse({"edition": saved.edition, "saved": said})


# Sending, throwing away, taking back


def _check_page(request: CitizenRequest, pk: UUID, *, refused: str = "") -> HttpResponse:
    found = drafts.draft_for(request.applicant, pk)
    if found is None:
        raise Http404
    if found.is_sent:
        return _sent(request, found)
    return _again(request, found, "check", refused=refused)


@citizen_page
@require_POST
@keyed("cases.submit_draft", stay=_check_page)
def submit(request: CitizenRequest, pk: UUID) -> Done:
    center, found = main_center(), drafts.draft_for(request.applicant, pk)
    if center is None or found is None:
        raise Http404
    is_phone = "Mobi" in request.headers.get("User-Agent", "")
    sent = _acts(found).submit(
        pk,
        edition=_edition(request),
        center=center,
        by=request.applicant,
        at=timezone.now(),
        channel=Case.Channel.MOBILE if is_phone else Case.Channel.WEB,
    )
    return Done(
        reverse("portal:bundle-case" if found.bundle_id else "portal:case", args=[sent.query_no]),
        _("交上去了，编号 %(number)s。收件凭证在下面，可以打开存起来。") % {"number": sent.query_no},
    )


def _my(request: CitizenRequest, pk: UUID, *, refused: str = "") -> HttpResponse:
    if refused:
        messages.error(request, refused)
    return redirect("portal:my")


@citizen_page
@require_POST
def delete(request: CitizenRequest, pk: UUID) -> HttpResponse:
    """Not keyed: a draft is thrown away once; the page offers to take it back."""
    try:
        applying.delete(pk, by=request.applicant, at=timezone.now())
    except applying.NoDraft as error:
        return _my(request, pk, refused=str(error))
    return redirect(f"{reverse('portal:my')}?gone={pk}")


@citizen_page
@require_POST
def restore(request: CitizenRequest, pk: UUID) -> HttpResponse:
    """Not keyed: a draft that is there stays there."""
    try:
        applying.restore(pk, by=request.applicant, at=timezone.now())
    except applying.NoDraft as error:
        return _my(request, pk, refused=str(error))
    messages.success(request, _("找回来了，接着填吧。"))
    return redirect("portal:draft", pk, "questions")


@citizen_page
@require_POST
def renew(request: CitizenRequest, pk: UUID) -> HttpResponse:
    """Not keyed: a draft that is up to date stays as it is."""
    found = drafts.draft_for(request.applicant, pk)
    try:
        (_acts(found) if found else applying).renew(pk, by=request.applicant, at=timezone.now())
    except DomainError as error:
        return _my(request, pk, refused=str(error))
    messages.success(request, _("按新版接着填，能用的都带过来了。"))
    return redirect("portal:draft", pk, "questions")


urlpatterns = [
    path("items/<str:code>/apply", start, name="apply"),
    path("bundles/<slug:code>/apply", start_bundle, name="apply-bundle"),
    path("my/drafts/<uuid:pk>/submit", submit, name="draft-submit"),
    path("my/drafts/<uuid:pk>/delete", delete, name="draft-delete"),
    path("my/drafts/<uuid:pk>/restore", restore, name="draft-restore"),
    path("my/drafts/<uuid:pk>/renew", renew, name="draft-renew"),
    path("my/drafts/<uuid:pk>/<slug:step>/save", save, name="draft-save"),
    path("my/drafts/<uuid:pk>/<slug:step>", draft, name="draft"),
]
