"""The words people search with: synonyms, searches that found nothing, questions left on the portal."""

from __future__ import annotations

import csv
import io
from typing import Any
from uuid import UUID

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yimen.catalog import actions, lexicon
from yimen.catalog.actions.words import drafts_of
from yimen.catalog.models import Inquiry, SearchMiss
from yimen.catalog.queries import words as queries
from yimen.lib.errors import DomainError
from yimen.lib.sheet import plain_cell, write_csv
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench.adding import form_page, required
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page

PAGE, MOST_BYTES = 30, 1_000_000
RIGHT = "catalog.edit"


def _text(request: HttpRequest, name: str) -> str:
    return request.GET.get(name, "").replace("\x00", "").strip()[:60]


def _tabs(here: str) -> list[tuple[str, str, bool]]:
    pages = (("synonyms", _("大家的说法")), ("misses", _("没找到的")), ("inquiries", _("群众提问")))
    return [(reverse(f"workbench:{name}"), str(word), name == here) for name, word in pages]


# Synonyms


@staff_page(RIGHT)
@require_safe
def synonyms(request: StaffRequest) -> HttpResponse:
    """Own and shipped words, and a box to try what a search becomes."""
    region, text, tried = request.staff.region_id, _text(request, "q"), _text(request, "try")
    own_only = request.GET.get("own") == "1"
    page = Paginator(queries.words(region, text, own_only=own_only), PAGE).get_page(request.GET.get("page"))
    values: dict[str, Any] = {"page": page, "text": text, "own_only": own_only, "tried": tried}
    if tried:
        values["steps"], values["hits"] = queries.explain(tried, region)
    return render(request, "workbench/words/synonyms.html", values | {"tabs": _tabs("synonyms")})


class SynonymForm(forms.Form):
    word = forms.CharField(
        label=gettext_lazy("大家怎么说"),
        max_length=40,
        help_text=gettext_lazy("例如：开饭馆"),
        **required(gettext_lazy("请填写大家怎么说。")),
    )
    means = forms.CharField(
        label=gettext_lazy("目录里叫什么"),
        required=False,
        max_length=800,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("一行一个，越贴近的越往前写。一个也不写，就是找的时候不管这个词（例如：怎么办）。"),
    )
    is_mutual = forms.BooleanField(label=gettext_lazy("互相都能找到（找目录里的叫法，也找大家的说法）"), required=False)
    note = forms.CharField(label=gettext_lazy("说明"), max_length=200, required=False)


def _synonym_page(request: StaffRequest, *, form: SynonymForm | None = None, refused: str = "") -> HttpResponse:
    initial: dict[str, Any] = {"word": _text(request, "word")}
    known = queries.word(request.staff.region_id, initial["word"]) if initial["word"] else None
    if known:
        initial = {
            "word": known.word, "means": "\n".join(known.means), "is_mutual": known.is_mutual, "note": known.note
        }  # fmt: skip
    return form_page(
        request,
        form or SynonymForm(request.POST or None, initial=initial),
        heading=_("改一个说法") if known else _("加一个说法"),
        word=_("这样找"),
        back=reverse("workbench:synonyms"),
        parent=_("大家的说法"),
        lead=_("存好以后，下一次找就这样找；本地写的比自带的先算。"),
        refused=refused,
    )


@staff_page(RIGHT)
@require_http_methods(["GET", "HEAD", "POST"])
def synonym(request: StaffRequest) -> HttpResponse:
    return _save(request) if request.method == "POST" else _synonym_page(request)


@keyed("catalog.save_synonym", stay=_synonym_page)
def _save(request: StaffRequest) -> Done:
    form = SynonymForm(request.POST)
    if not form.is_valid():
        raise Stay(form=form)
    said = form.cleaned_data
    means = tuple(word for line in said["means"].splitlines() for word in lexicon.split(line))
    draft = actions.SynonymDraft(said["word"], means, said["is_mutual"], said["note"])
    row = actions.save_synonym(request.staff.region_id, draft, by=request.staff, at=timezone.now())
    return Done(f"{reverse('workbench:synonyms')}?try={row.word}", _("“%(word)s”这样找了。") % {"word": row.word})


def _list_again(request: StaffRequest, *, refused: str = "") -> HttpResponse:
    page = Paginator(queries.words(request.staff.region_id), PAGE).get_page(1)
    return render(
        request, "workbench/words/synonyms.html", {"page": page, "refused": refused, "tabs": _tabs("synonyms")}
    )


@staff_page(RIGHT)
@require_POST
@keyed("catalog.delete_synonym", stay=_list_again)
def delete(request: StaffRequest) -> Done:
    word = posted_text(request, "word")
    actions.delete_synonym(request.staff.region_id, word, by=request.staff, at=timezone.now())
    return Done(reverse("workbench:synonyms"), _("“%(word)s”本地的写法去掉了。") % {"word": word})


@staff_page(RIGHT)
@require_safe
def export(request: StaffRequest) -> HttpResponse:
    """The region's own words as CSV, in the form `bring_in` takes."""
    rows: list[list[object]] = [[_("大家怎么说"), _("目录里叫什么"), _("互相"), _("说明")]]
    for one in queries.words(request.staff.region_id, own_only=True):
        rows.append([one.word, lexicon.BETWEEN.join(one.means), _("互相") if one.is_mutual else "", one.note])
    headers = {"Content-Disposition": 'attachment; filename="synonyms.csv"'}
    return HttpResponse("".join(write_csv(rows)), content_type="text/csv; charset=utf-8", headers=headers)


class ImportForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("CSV 文件"),
        required=False,
        help_text=gettext_lazy("四列：大家怎么说、目录里叫什么（几个之间用 | 隔开）、互相、说明；第一行是列名。"),
    )
    rows = forms.CharField(
        label=gettext_lazy("或者从表格里复制几行粘在这里"),
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=gettext_lazy("列和文件一样，不用列名。"),
    )


def _import_page(request: StaffRequest, *, form: ImportForm | None = None, refused: str = "") -> HttpResponse:
    return form_page(
        request,
        form or ImportForm(),
        heading=_("成批加说法"),
        word=_("全部写进去"),
        back=reverse("workbench:synonyms"),
        parent=_("大家的说法"),
        lead=_("有一行不对就一行也不写，并且说明是哪一行。"),
        refused=refused,
    )


@staff_page(RIGHT)
@require_http_methods(["GET", "HEAD", "POST"])
def bring_in(request: StaffRequest) -> HttpResponse:
    return _bring_in(request) if request.method == "POST" else _import_page(request)


@keyed("catalog.import_synonyms", stay=_import_page)
def _bring_in(request: StaffRequest) -> Done:
    form = ImportForm(request.POST, request.FILES)
    if not form.is_valid():
        raise Stay(form=form)
    try:
        rows = _rows_of(form.cleaned_data["file"], form.cleaned_data["rows"])
        count = actions.import_synonyms(request.staff.region_id, drafts_of(rows), by=request.staff, at=timezone.now())
    except csv.Error:
        form.add_error("file", _("这个文件不是 CSV 文字，请另存为 CSV（UTF-8）再交。"))
        raise Stay(form=form) from None
    except actions.BadSynonym as error:
        form.add_error("file", str(error))
        raise Stay(form=form) from None
    return Done(f"{reverse('workbench:synonyms')}?own=1", _("写进去 %(count)d 个说法。") % {"count": count})


def _rows_of(file: Any, pasted: str) -> list[tuple[int, list[str]]]:
    """Return (row number, cells) of the file without its heading, or of what was pasted (tabs or commas)."""
    if file is None:
        lines = pasted.replace("\t", ",").splitlines()
        rows = [*enumerate(csv.reader(lines), 1)]
    else:
        if file.size > MOST_BYTES:
            raise actions.BadSynonym(_("文件太大，最多 1 MB。"))
        rows = [*enumerate(csv.reader(io.StringIO(_decoded(file.read()))), 1)][1:]
    if not rows:
        raise actions.BadSynonym(_("一行说法也没有，请选择文件或者粘贴几行。"))
    return [(number, [plain_cell(cell.replace("\x00", "")) for cell in row]) for number, row in rows]


def _decoded(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise actions.BadSynonym(_("这个文件不是 CSV 文字，请另存为 CSV（UTF-8）再交。"))


# Searches that found nothing


@staff_page(RIGHT)
@require_safe
def misses(request: StaffRequest) -> HttpResponse:
    return _misses_page(request)


def _misses_page(request: StaffRequest, *, miss_id: UUID | None = None, refused: str = "") -> HttpResponse:
    is_settled = request.GET.get("settled") == "1"
    rows = queries.misses(request.staff.region_id, settled=is_settled)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    values = {"page": page, "is_settled": is_settled, "refused": refused, "tabs": _tabs("misses")}
    return render(request, "workbench/words/misses.html", values)


@staff_page(RIGHT)
@require_POST
@keyed("catalog.settle_miss", stay=_misses_page)
def settle(request: StaffRequest, miss_id: UUID) -> Done:
    get_object_or_404(SearchMiss, pk=miss_id, region=request.staff.region_id)
    actions.settle_miss(miss_id, by=request.staff, at=timezone.now())
    return Done(reverse("workbench:misses"), _("记下了：这条已处理。再有人没找到，会重新出现。"))


# Questions


@staff_page(RIGHT)
@require_safe
@never_cache
def inquiries(request: StaffRequest) -> HttpResponse:
    return _inquiries_page(request)


def _inquiries_page(
    request: StaffRequest, *, inquiry_id: UUID | None = None, refused: str = "", shown: str = ""
) -> HttpResponse:
    state = request.GET.get("state", "")
    state = state if state in Inquiry.State.values else Inquiry.State.OPEN.value
    page = Paginator(queries.inquiries(request.staff.region_id, state=state), PAGE).get_page(request.GET.get("page"))
    values = {
        "page": page, "state": state, "states": Inquiry.State.choices, "refused": refused,
        "shown": shown, "shown_of": inquiry_id, "tabs": _tabs("inquiries"),
    }  # fmt: skip
    return render(request, "workbench/words/inquiries.html", values)


@staff_page(RIGHT)
@require_POST
@keyed("catalog.close_inquiry", stay=_inquiries_page)
def close(request: StaffRequest, inquiry_id: UUID) -> Done:
    get_object_or_404(Inquiry, pk=inquiry_id, region=request.staff.region_id)
    answer = posted_text(request, "answer")
    actions.close_inquiry(inquiry_id, answer, by=request.staff, at=timezone.now())
    return Done(reverse("workbench:inquiries"), _("处理完了，留的电话已经删掉。"))


@staff_page(RIGHT)
@require_POST
@never_cache
def phone(request: StaffRequest, inquiry_id: UUID) -> HttpResponse:
    """Not keyed: a repeat is another look and another ledger row, and no answer with a number in it is kept."""
    get_object_or_404(Inquiry, pk=inquiry_id, region=request.staff.region_id)
    try:
        shown = actions.phone_of(inquiry_id, reason=posted_text(request, "reason"), by=request.staff, at=timezone.now())
    except DomainError as error:
        response = _inquiries_page(request, refused=str(error))
        response.status_code = 422
        return response
    return _inquiries_page(request, inquiry_id=inquiry_id, shown=shown)


urlpatterns = [
    path("words", synonyms, name="synonyms"),
    path("words/edit", synonym, name="synonym"),
    path("words/delete", delete, name="synonym-delete"),
    path("words/import", bring_in, name="synonyms-import"),
    path("words/export", export, name="synonyms-export"),
    path("words/misses", misses, name="misses"),
    path("words/misses/<uuid:miss_id>/settle", settle, name="miss-settle"),
    path("words/questions", inquiries, name="inquiries"),
    path("words/questions/<uuid:inquiry_id>/close", close, name="inquiry-close"),
    path("words/questions/<uuid:inquiry_id>/phone", phone, name="inquiry-phone"),
]
