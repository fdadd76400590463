"""Files of one's own: sent whole by a form, or in pieces by a script; looked at, and taken away again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yimen.cases.actions import uploads
from yimen.cases.models import ApplicationDraft, Case, CaseMaterial, Upload
from yimen.cases.queries import applying as drafts
from yimen.cases.queries import bundle_drafts
from yimen.catalog.models import ItemMaterial
from yimen.lib.errors import DomainError
from yimen.lib.uploads import FAULTS, WrongOffset
from yimen.web import uploads as sending
from yimen.web.portal.account import CitizenRequest, citizen_page

MOST_FILES = 10


def draft_of(request: CitizenRequest, pk: UUID) -> ApplicationDraft:
    """His draft; 404 alike for none, somebody else's, one that was deleted or sent."""
    draft = drafts.draft_for(request.applicant, pk)
    if draft is None or draft.is_sent:
        raise Http404
    return draft


def case_of(request: CitizenRequest, number: str) -> Case:
    case = drafts.own_case(request.applicant, number)
    if case is None:
        raise Http404
    return case


def place_of(request: CitizenRequest, *, draft: UUID | None = None, number: str = "") -> dict[str, Any]:
    """Where the file belongs, and to which material of its list; 404 for a material that is not on it."""
    place: dict[str, Any] = {"draft": draft_of(request, draft)} if draft else {"case": case_of(request, number)}
    wanted = request.POST.get("material", "")
    if wanted:
        try:
            material = ItemMaterial.objects.filter(pk=UUID(wanted))
        except ValueError:
            raise Http404 from None
        if draft and place["draft"].bundle_id:
            material = material.filter(version__in=bundle_drafts.editions(place["draft"]))
        elif draft:
            material = material.filter(version=place["draft"].version_id)
        else:
            material = material.filter(pk__in=CaseMaterial.objects.filter(case=place["case"]).values("material"))
        place["material"] = material.first()
        if place["material"] is None:
            raise Http404
    return place


def take_all(request: CitizenRequest, place: dict[str, Any]) -> list[Upload]:
    """Keep the files of a plain form; says of each that is refused why. Returns those taken."""
    taken = []
    for file in request.FILES.getlist("file")[:MOST_FILES]:
        try:
            taken.append(
                uploads.take(
                    file, owner=request.applicant, region=request.applicant.region_id, at=timezone.now(), **place
                )
            )
        except DomainError as error:
            messages.error(request, _("“%(name)s”没有收：%(why)s") % {"name": file.name, "why": error})
    return taken


@citizen_page
@require_POST
def send_to_draft(request: CitizenRequest, pk: UUID) -> HttpResponse:
    """The plain form of one material, without script."""
    place = place_of(request, draft=pk)
    if not request.FILES:
        messages.error(request, _("还没选文件，请先点“选文件”。"))
    if taken := take_all(request, place):
        messages.success(request, _("收到 %(n)s 个文件。") % {"n": len(taken)})
    return redirect("portal:draft", pk, "materials")


@citizen_page
@require_POST
def send_to_case(request: CitizenRequest, number: str) -> HttpResponse:
    place = place_of(request, number=number)
    if not request.FILES:
        messages.error(request, _("还没选文件，请先点“选文件”。"))
    if taken := take_all(request, place):
        messages.success(request, _("收到 %(n)s 个文件，还要点“交上去”才算交了。") % {"n": len(taken)})
    return redirect("portal:case", number)


def _start(request: CitizenRequest, place: dict[str, Any]) -> JsonResponse:
    size = request.POST.get("size", "")
    try:
        upload = uploads.start(
            request.POST.get("name", ""),
            int(size) if size.isascii() and size.isdigit() and len(size) < 16 else 0,
            owner=request.applicant,
            region=request.applicant.region_id,
            at=timezone.now(),
            **place,
        )
    except DomainError as error:
        return JsonResponse({"error": str(error)}, status=422)
    return JsonResponse({"id": str(upload.pk), "received": upload.received})


@citizen_page
@require_POST
def start_in_draft(request: CitizenRequest, pk: UUID) -> HttpResponse:
    return _start(request, place_of(request, draft=pk))


@citizen_page
@require_POST
def start_in_case(request: CitizenRequest, number: str) -> HttpResponse:
    return _start(request, place_of(request, number=number))


def own(request: CitizenRequest, pk: UUID) -> Upload:
    upload = drafts.upload_for(request.applicant.ledger_ref, pk)
    if upload is None:
        raise Http404
    return upload


@citizen_page
@require_POST
def piece(request: CitizenRequest, pk: UUID) -> HttpResponse:
    """A piece as the raw body, from byte ?offset= on; 409 with `received` where to go on when it does not fit."""
    own(request, pk)
    offset = request.GET.get("offset", "")
    if not (offset.isascii() and offset.isdigit() and len(offset) < 16):
        return JsonResponse({"error": _("这一段接不上，请从已经收到的地方接着传。")}, status=400)
    try:
        upload = uploads.add(pk, int(offset), _body(request), by=request.applicant)
    except WrongOffset as error:
        return JsonResponse({"error": str(error), "received": error.at}, status=409)
    except DomainError as error:
        return JsonResponse({"error": str(error)}, status=422)
    return JsonResponse({"id": str(pk), "received": upload.received})


def _body(request: HttpRequest) -> Any:
    return iter(lambda: request.read(64 * 1024), b"")


@citizen_page
@require_POST
def finish(request: CitizenRequest, pk: UUID) -> HttpResponse:
    own(request, pk)
    try:
        upload = uploads.finish(pk, by=request.applicant, at=timezone.now())
    except WrongOffset as error:
        return JsonResponse({"error": str(error), "received": error.at}, status=409)
    except DomainError as error:
        return JsonResponse({"error": str(error)}, status=422)
    if upload.state == Upload.State.REFUSED:
        return JsonResponse({"error": str(FAULTS[upload.fault])}, status=422)
    return JsonResponse({"id": str(pk), "received": upload.received, "kind": upload.kind})


@citizen_page
@require_safe
def look(request: CitizenRequest, pk: UUID) -> HttpResponse:
    """One's own file; 404 alike for none and somebody else's."""
    return sending.send(own(request, pk))


@citizen_page
@require_POST
def remove(request: CitizenRequest, pk: UUID) -> HttpResponse:
    upload = own(request, pk)
    try:
        uploads.remove(pk, by=request.applicant, at=timezone.now())
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("这个文件拿掉了。"))
    if upload.draft_id:
        return redirect("portal:draft", upload.draft_id, "materials")
    return redirect("portal:my")


urlpatterns = [
    path("my/drafts/<uuid:pk>/files", send_to_draft, name="draft-files"),
    path("my/drafts/<uuid:pk>/files/start", start_in_draft, name="draft-file-start"),
    path("cases/<str:number>/files", send_to_case, name="case-files"),
    path("cases/<str:number>/files/start", start_in_case, name="case-file-start"),
    path("my/files/<uuid:pk>", look, name="file"),
    path("my/files/<uuid:pk>/piece", piece, name="file-piece"),
    path("my/files/<uuid:pk>/finish", finish, name="file-finish"),
    path("my/files/<uuid:pk>/remove", remove, name="file-remove"),
]
