"""Lists in and out: upload, say which column is which, see every error, take it once; the catalogue as a file."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from yimen.catalog import columns, exports
from yimen.catalog.importers import Mode
from yimen.exchange import cpsv, incoming, upspec
from yimen.exchange.models import WaitingImport
from yimen.ledger import actions as ledger
from yimen.lib import sheet
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Department
from yimen.web.once import Done, keyed, with_status
from yimen.web.workbench.adding import required
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page

PAGE = 50
MODES = (
    (Mode.DRAFT.value, gettext_lazy("收成草稿，由另一位核对发布")),
    (Mode.SOURCE.value, gettext_lazy("当作外来清单，注明来源，马上能查到")),
)
FORMATS = (
    ("xlsx", gettext_lazy("表格 xlsx")),
    ("csv", gettext_lazy("表格 csv")),
    ("jsonl", gettext_lazy("JSON，一行一项")),
    ("jsonld", gettext_lazy("CPSV-AP 链接数据")),
    ("upspec", gettext_lazy("国家上报用的表")),
)


class UploadForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("清单文件"),
        help_text=gettext_lazy("xlsx、csv 或 jsonl，可以用 gzip 压缩，最大 20 MB。第一行是表头，一行一个事项。"),
        **required(gettext_lazy("请选一份文件。")),
    )
    mode = forms.ChoiceField(label=gettext_lazy("新事项收成什么"), choices=MODES, initial=Mode.DRAFT.value)
    department = forms.CharField(
        label=gettext_lazy("实施主体"),
        required=False,
        max_length=120,
        help_text=gettext_lazy("文件里没有这一列时，写所有行共同的部门名称。"),
    )
    source = forms.CharField(
        label=gettext_lazy("清单名称"),
        required=False,
        max_length=40,
        help_text=gettext_lazy("记作来源；不写就用文件名。"),
    )

    def __init__(self, *args: Any, may_publish: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_publish:
            self.fields["mode"].choices = MODES[:1]  # type: ignore[attr-defined]


def _form(request: StaffRequest, posted: Any = None) -> UploadForm:
    files = request.FILES if posted is not None else None
    return UploadForm(posted, files, may_publish=access.allowed(request.staff, "catalog.publish"))


@staff_page("exchange.import")
@require_safe
def imports(request: StaffRequest) -> HttpResponse:
    return _imports(request)


def _imports(request: StaffRequest, *, form: UploadForm | None = None, refused: str = "") -> HttpResponse:
    page = Paginator(incoming.incoming_for(request.staff), PAGE).get_page(request.GET.get("page"))
    departments = Department.objects.filter(region_id=request.staff.region_id).order_by("name")
    context = {
        "form": form or _form(request),
        "page": page,
        "refused": refused,
        "formats": FORMATS,
        "departments": departments,
    }
    return render(request, "workbench/imports/list.html", context)


@staff_page("exchange.import")
@require_POST
def bring(request: StaffRequest) -> HttpResponse:
    """Without a key: a file sent twice waits twice, and is taken by neither."""
    form = _form(request, request.POST)
    if not form.is_valid():
        return with_status(_imports(request, form=form), 422)
    file, chosen = form.cleaned_data["file"], form.cleaned_data
    # One byte more than may come is enough to be refused.
    content = file.read(incoming.LARGEST + 1)
    try:
        waiting = incoming.bring(
            content,
            file.name,
            mode=Mode(chosen["mode"]),
            department=chosen["department"].strip(),
            source=chosen["source"].strip(),
            by=request.staff,
            at=timezone.now(),
        )
    except DomainError as error:
        return with_status(_imports(request, form=form, refused=str(error)), 422)
    return redirect("workbench:import", waiting.pk)


def _one(request: StaffRequest, pk: UUID) -> WaitingImport:
    waiting = incoming.get_incoming_for(request.staff, pk)
    if waiting is None:
        raise Http404
    return waiting


@staff_page("exchange.import")
@require_safe
def one(request: StaffRequest, pk: UUID) -> HttpResponse:
    return _page(request, pk)


def _page(request: StaffRequest, pk: UUID, *, refused: str = "") -> HttpResponse:
    waiting = _one(request, pk)
    report = waiting.report
    context = {
        "waiting": waiting,
        "report": report,
        "page": Paginator(report.get("errors", []), PAGE).get_page(request.GET.get("page")),
        "items": report.get("items", [])[:20],
        "rows": [(n, heading, waiting.mapping.get(heading, "")) for n, heading in enumerate(waiting.headings)],
        "fields": [column for column in columns.columns().values() if not column.is_shown],
        "modes": MODES if access.allowed(request.staff, "catalog.publish") else MODES[:1],
        "seen": incoming.mark_of(waiting),
        "refused": refused,
        "good": sum(report.get(key, 0) for key in ("taken", "changed", "drafted")),
    }
    return render(request, "workbench/imports/one.html", context)


@staff_page("exchange.import")
@require_POST
@keyed("workbench.import-check", stay=_page)
def check(request: StaffRequest, pk: UUID) -> Done:
    waiting = _one(request, pk)
    mapping = {heading: posted_text(request, f"column-{n}") for n, heading in enumerate(waiting.headings)}
    wanted = posted_text(request, "mode")
    mode = Mode(wanted) if wanted in {Mode.DRAFT.value, Mode.SOURCE.value} else Mode(waiting.mode)
    incoming.check(
        pk,
        mapping,
        mode=mode,
        department=posted_text(request, "department").strip()[:120],
        source=posted_text(request, "source").strip()[:40],
        by=request.staff,
        at=timezone.now(),
    )
    return Done(reverse("workbench:import", args=[pk]), _("按新的对应核对过了。"))


@staff_page("exchange.import")
@require_POST
@keyed("workbench.import-take", stay=_page)
def take(request: StaffRequest, pk: UUID) -> Done:
    _one(request, pk)
    waiting = incoming.take(
        pk,
        seen=posted_text(request, "seen"),
        skip_bad=bool(request.POST.get("skip_bad")),
        by=request.staff,
        at=timezone.now(),
    )
    counts = {"new": waiting.report["taken"], "changed": waiting.report["changed"] + waiting.report["drafted"]}
    said = _("收好了：新的 %(new)d 项，有变化的 %(changed)d 项。") % counts
    return Done(reverse("workbench:import", args=[pk]), said)


@staff_page("exchange.import")
@require_POST
@keyed("workbench.import-drop", stay=_page)
def drop(request: StaffRequest, pk: UUID) -> Done:
    _one(request, pk)
    incoming.put_away(pk, by=request.staff, at=timezone.now())
    return Done(reverse("workbench:imports"), _("这份文件已经删掉，什么也没有收。"))


@staff_page("exchange.import")
@require_safe
def errors(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Every error that was kept, as CSV."""
    waiting = _one(request, pk)
    text = io.StringIO("\ufeff")
    text.seek(0, io.SEEK_END)
    writer = csv.writer(text)
    writer.writerow([_("行"), _("编码"), _("栏目"), _("现在是"), _("为什么不行")])
    for each in waiting.report.get("errors", []):
        cells = (each["row"], each["code"], each["field"], each["value"], each["reason"])
        writer.writerow([sheet.safe_cell(cell) for cell in cells])
    return _named(HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8"), "errors.csv")


# Out


@staff_page("catalog.edit", "catalog.publish", "exchange.import")
@require_safe
def export(request: StaffRequest) -> Any:
    """The catalogue in the form and of the department asked for; who took it goes to the ledger."""
    region, now = request.staff.region_id, timezone.now()
    form = request.GET.get("format", "xlsx")
    if form not in dict(FORMATS):
        raise Http404
    department = _department(request)
    which: dict[str, Any] = {"department": department.pk if department else None}
    which["drafts"] = request.GET.get("drafts") == "1"
    _record(request, form, department, now)
    day = localdate(now).isoformat()
    if form == "csv":
        return _stream(sheet.write_csv(exports.table(region, **which)), "text/csv", f"items-{day}.csv")
    if form == "jsonl":
        return _stream(exports.json_lines(region, **which), "application/x-ndjson", f"items-{day}.jsonl")
    if form == "jsonld":
        base = request.build_absolute_uri("/").rstrip("/")
        parts = cpsv.region_document(region, base=base, **which)
        return _stream(parts, "application/ld+json", f"items-{day}.jsonld")
    file = tempfile.TemporaryFile()  # noqa: SIM115 (the response closes it)
    if form == "xlsx":
        sheet.write_xlsx(file, [(_("事项"), exports.table(region, **which))])
    else:
        upspec.write_zip(file, exports.editions(region, **which), localdate(now))
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=f"items-{day}.{'xlsx' if form == 'xlsx' else 'zip'}")


def _department(request: StaffRequest) -> Department | None:
    wanted = request.GET.get("department", "")
    if not wanted:
        return None
    try:
        found = Department.objects.filter(region_id=request.staff.region_id, pk=UUID(wanted)).first()
    except ValueError:
        raise Http404 from None
    if found is None:
        raise Http404
    return found


def _record(request: StaffRequest, form: str, department: Department | None, at: datetime) -> None:
    region = request.staff.region_id
    data = {"format": form, "department": str(department.pk) if department else ""}
    ledger.record(f"catalogue:{region}", "catalog.exported", region=region, by=request.staff, at=at, data=data)


def _stream(parts: Iterator[str], kind: str, name: str) -> StreamingHttpResponse:
    return _named(StreamingHttpResponse(parts, content_type=f"{kind}; charset=utf-8"), name)


def _named(response: Any, name: str) -> Any:
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


urlpatterns = [
    path("items/imports", imports, name="imports"),
    path("items/imports/new", bring, name="import-bring"),
    path("items/imports/<uuid:pk>", one, name="import"),
    path("items/imports/<uuid:pk>/check", check, name="import-check"),
    path("items/imports/<uuid:pk>/take", take, name="import-take"),
    path("items/imports/<uuid:pk>/drop", drop, name="import-drop"),
    path("items/imports/<uuid:pk>/errors", errors, name="import-errors"),
    path("items/export", export, name="items-export"),
]
