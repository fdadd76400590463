"""文书模板: what a place says in its own words on its documents; drafts, another's approval, preview; its seals."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yimen.cases.actions import templates as actions
from yimen.cases.documents import samples, wording
from yimen.cases.models import Notice, NoticeTemplate
from yimen.cases.queries import documents as queries
from yimen.certificates import seals
from yimen.certificates.models import ESeal
from yimen.lib import pdf
from yimen.lib.dates import long_day
from yimen.people import access
from yimen.people.models import Department
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench.adding import form_page, required
from yimen.web.workbench.guard import StaffRequest, posted_id, staff_page

READERS = ("templates.write", "templates.approve")


class WordsForm(forms.Form):
    effective_on = forms.DateField(
        label=gettext_lazy("从哪天起用"),
        help_text=gettext_lazy("最早明天；已经发出的文书一个字也不变。"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        **required(gettext_lazy("请填写从哪天起用。")),
    )
    change = forms.CharField(
        label=gettext_lazy("改了什么"),
        max_length=300,
        required=False,
        help_text=gettext_lazy("一两句话，批准的人先看这里。"),
    )

    def __init__(self, *args: Any, words: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for part in wording.PARTS:
            is_long = part.key in wording.PARAGRAPHS
            value = words[part.key]
            self.fields[part.key] = forms.CharField(
                label=str(part.name),
                help_text=str(part.meaning),
                required=False,
                max_length=2000,
                initial="\n".join(value) if is_long else value,
                widget=forms.Textarea(attrs={"rows": 4}) if is_long else forms.TextInput(),
            )
        self.order_fields([*wording.BY_KEY, "effective_on", "change"])

    def parts(self) -> dict[str, Any]:
        """Return the words as they were typed."""
        said = {key: self.cleaned_data.get(key, "").replace("\x00", "") for key in wording.BY_KEY}
        return {
            key: [line for line in value.splitlines() if line.strip()] if key in wording.PARAGRAPHS else value
            for key, value in said.items()
        }


class SealForm(forms.Form):
    department = forms.ModelChoiceField(
        label=gettext_lazy("哪个机关的章"),
        queryset=Department.objects.none(),
        empty_label=gettext_lazy("请选择"),
        **required(gettext_lazy("请选择机关。")),
    )
    name = forms.CharField(
        label=gettext_lazy("印章名称"),
        max_length=80,
        initial="行政审批专用章",
        help_text=gettext_lazy("要和文书落款下面写的一样，例如：行政审批专用章、收件专用章。"),
        **required(gettext_lazy("请填写印章名称。")),
    )
    code = forms.CharField(label=gettext_lazy("印章编码"), max_length=40, **required(gettext_lazy("请填写印章编码。")))
    kind = forms.ChoiceField(label=gettext_lazy("种类"), choices=ESeal.Kind.choices, initial=ESeal.Kind.SPECIAL)
    valid_from = forms.DateField(
        label=gettext_lazy("从哪天起"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        **required(gettext_lazy("请填写从哪天起。")),
    )
    valid_until = forms.DateField(
        label=gettext_lazy("到哪天"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("可以不填。"),
    )

    def __init__(self, *args: Any, region: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Department.objects.filter(region_id=region).order_by("name")
        self.fields["department"].queryset = rows  # type: ignore[attr-defined]


@staff_page(*READERS, "seals.manage")
@require_safe
def templates(request: StaffRequest) -> HttpResponse:
    """Every kind of document with the words that count, and the seals."""
    return _list_page(request)


def _list_page(request: StaffRequest, *, refused: str = "", **_context: Any) -> HttpResponse:
    region, today = request.staff.region_id, timezone.localdate()
    rows = list(
        ESeal.objects.filter(region_id=region).select_related("department").order_by("department__name", "name")
    )
    context = {
        "kinds": queries.template_list(region, today),
        "seals": rows,
        "today": today,
        "service": seals.current(),
        "may_seal": access.allowed(request.staff, "seals.manage"),
        "refused": refused,
    }
    return render(request, "workbench/templates/list.html", context)


def _kind(kind: str) -> Notice.Kind:
    if kind not in Notice.Kind.values:
        raise Http404
    return Notice.Kind(kind)


def _one_page(request: StaffRequest, kind: str, *, refused: str = "", **_context: Any) -> HttpResponse:
    of, today, region = _kind(kind), timezone.localdate(), request.staff.region_id
    editions = queries.editions(region, of)
    standing = next((one for one in _by_day(editions) if one.is_approved and one.effective_on <= today), None)
    draft = next((one for one in editions if not one.is_approved), None)
    wanted = request.GET.get("edition", "")
    newest = next((one for one in _by_day(editions) if one.is_approved), None)  # counts already, or from its day on
    shown = next((one for one in editions if str(one.number) == wanted), None) or draft or newest
    words, standard = wording.words_for(of, shown.parts if shown else {}), wording.standard(of)
    parts = [
        {
            "part": part,
            "own": _lines(words[part.key]),
            "standard": _lines(standard[part.key]),
            "differs": words[part.key] != standard[part.key],
        }
        for part in wording.PARTS
    ]
    context = {
        "kind": of.value,
        "name": of.label,
        "editions": editions,
        "standing": standing,
        "draft": draft,
        "shown": shown,
        "parts": parts,
        "today": today,
        "refused": refused,
        "may_write": access.allowed(request.staff, "templates.write"),
        "may_approve": access.allowed(request.staff, "templates.approve"),
        "is_mine": draft is not None and draft.written_by_id == request.staff.pk,
        "newest": newest,
        "seen": actions.stamp(draft),
    }
    return render(request, "workbench/templates/one.html", context)


def _by_day(editions: list[NoticeTemplate]) -> list[NoticeTemplate]:
    return sorted(editions, key=lambda one: (one.effective_on, one.number), reverse=True)


def _lines(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


@staff_page(*READERS)
@require_safe
def one(request: StaffRequest, kind: str) -> HttpResponse:
    return _one_page(request, kind)


def _edit_page(
    request: StaffRequest, kind: str, *, form: WordsForm | None = None, refused: str = "", **_context: Any
) -> HttpResponse:
    of, today = _kind(kind), timezone.localdate()
    editions = queries.editions(request.staff.region_id, of)
    latest = editions[0] if editions else None
    has_draft = latest is not None and not latest.is_approved
    tomorrow = today + timedelta(days=1)
    if form is None:
        initial: dict[str, Any] = {"effective_on": tomorrow}
        parts = latest.parts if latest else {}
        if (earlier := _earlier(request, editions)) is not None:
            parts, initial["change"] = earlier
        elif latest is not None and has_draft:
            initial = {"effective_on": max(tomorrow, latest.effective_on), "change": latest.change}
        form = WordsForm(request.POST or None, words=wording.words_for(of, parts), initial=initial)
    context = {
        "kind": of.value,
        "name": of.label,
        "form": form,
        "draft": latest if has_draft else None,
        "seen": actions.stamp(latest),
        "refused": refused,
        "placeholders": [("{" + name + "}", meaning) for name, meaning in wording.PLACEHOLDERS.items()],
    }
    return render(request, "workbench/templates/edit.html", context)


def _earlier(request: StaffRequest, editions: list[NoticeTemplate]) -> tuple[dict[str, Any], str] | None:
    """The words the address asks to begin with, and what is said of the change: an earlier edition, or the standard."""
    wanted = request.GET.get("like", "")
    if wanted == "standard":
        return {}, _("用回标准的说法")
    found = next((one for one in editions if str(one.number) == wanted), None)
    return (found.parts, _("用回第 %(n)s 版的说法") % {"n": found.number}) if found else None


@staff_page("templates.write")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: StaffRequest, kind: str) -> HttpResponse:
    return _save(request, kind) if request.method == "POST" else _edit_page(request, kind)


@keyed("cases.save_template", stay=_edit_page)
def _save(request: StaffRequest, kind: str) -> Done:
    of = _kind(kind)
    form = WordsForm(request.POST, words=wording.standard(of))
    if not form.is_valid():
        raise Stay(form=form)
    try:
        actions.save_template(
            request.staff.region,
            of,
            form.parts(),
            effective_on=form.cleaned_data["effective_on"],
            change=form.cleaned_data["change"].replace("\x00", ""),
            seen=request.POST.get("seen"),
            by=request.staff,
            at=timezone.now(),
        )
    except actions.WordsRefused as error:
        _mark(form, error.findings)
        raise Stay(form=form) from None
    return Done(reverse("workbench:template", args=[of.value]), _("草稿存好了，请另一位来批准。"))


def _mark(form: WordsForm, findings: list[wording.Finding]) -> None:
    for finding in findings:
        form.add_error(finding.part if finding.part in form.fields else None, finding.text)


@staff_page("templates.approve")
@require_POST
@keyed("cases.approve_template", stay=_one_page)
def approve(request: StaffRequest, kind: str) -> Done:
    draft = _draft(request, kind)
    edition = actions.approve_template(draft.pk, seen=request.POST.get("seen"), by=request.staff, at=timezone.now())
    values = {"n": edition.number, "day": long_day(edition.effective_on)}
    return Done(reverse("workbench:template", args=[kind]), _("第 %(n)s 版批准了，%(day)s起用。") % values)


@staff_page(*READERS)
@require_POST
@keyed("cases.drop_template", stay=_one_page)
def drop(request: StaffRequest, kind: str) -> Done:
    actions.drop_template(_draft(request, kind).pk, by=request.staff, at=timezone.now())
    return Done(reverse("workbench:template", args=[kind]), _("草稿丢掉了，现在用的一版没有变。"))


def _draft(request: StaffRequest, kind: str) -> NoticeTemplate:
    rows = NoticeTemplate.objects.filter(region_id=request.staff.region_id, kind=_kind(kind), approved_at=None)
    draft = rows.filter(pk=posted_id(request, "template")).first()
    if draft is None:
        raise actions.NoDraft(_("这份草稿已经批准或者不在了。请刷新看最新的一版。"))
    return draft


@staff_page(*READERS)
@require_safe
def preview(request: StaffRequest, kind: str) -> HttpResponse:
    """A document of this kind made of sample data, with the words of one edition; without a number, the standard's."""
    of = _kind(kind)
    wanted = request.GET.get("edition", "")
    editions = queries.editions(request.staff.region_id, of)
    edition = next((each for each in editions if str(each.number) == wanted), None)
    return _sample(request, of, edition.parts if edition else {})


@staff_page("templates.write")
@require_POST
def try_words(request: StaffRequest, kind: str) -> HttpResponse:
    """The same with words that are typed and not kept; the form again where they may not stand on a document."""
    of = _kind(kind)
    form = WordsForm(request.POST, words=wording.standard(of))
    form.full_clean()
    parts = actions.cleaned(form.parts())
    _mark(form, wording.findings(parts, can_print=pdf.missing_characters))
    if any(name in form.errors for name in (*wording.BY_KEY, "__all__")):
        response = _edit_page(request, kind, form=form)
        response.status_code = 422
        return response
    return _sample(request, of, parts)


def _sample(request: StaffRequest, of: Notice.Kind, parts: dict[str, Any]) -> HttpResponse:
    data = samples.sample(of, parts, center=request.staff.center, site=settings.BASE_URL)
    made = pdf.render(samples.template_of(of), data)
    headers = {"Content-Disposition": 'inline; filename="preview.pdf"', "Cache-Control": "no-store"}
    return HttpResponse(made, content_type="application/pdf", headers=headers)


def _seal_page(request: StaffRequest, *, form: SealForm | None = None, refused: str = "") -> HttpResponse:
    region = request.staff.region_id
    return form_page(
        request,
        form or SealForm(request.POST or None, region=region, initial={"valid_from": localdate(timezone.now())}),
        heading=_("登记一枚电子印章"),
        word=_("登记"),
        back=reverse("workbench:templates"),
        parent=_("文书模板"),
        lead=_("印章的密钥一直在签章服务里，这里只登记名称、编码和公开证书。"),
        refused=refused,
    )


@staff_page("seals.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def new_seal(request: StaffRequest) -> HttpResponse:
    return _register(request) if request.method == "POST" else _seal_page(request)


@keyed("certificates.register_seal", stay=_seal_page)
def _register(request: StaffRequest) -> Done:
    form = SealForm(request.POST, region=request.staff.region_id)
    if not form.is_valid():
        raise Stay(form=form)
    said: dict[str, Any] = {
        key: value.replace("\x00", "") if isinstance(value, str) else value for key, value in form.cleaned_data.items()
    }
    seal = seals.register(said.pop("department"), by=request.staff, at=timezone.now(), **said)
    return Done(reverse("workbench:templates"), _("%(name)s登记好了，以后的文书会自动加盖。") % {"name": seal.name})


@staff_page("seals.manage")
@require_POST
@keyed("certificates.stop_seal", stay=_list_page)
def stop_seal(request: StaffRequest) -> Done:
    """Let a seal count no longer than today."""
    at = timezone.now()
    found = ESeal.objects.filter(region_id=request.staff.region_id, pk=posted_id(request, "seal")).first()
    if found is None:
        raise Http404
    seals.stop(found.pk, last_on=localdate(at), by=request.staff, at=at)
    return Done(reverse("workbench:templates"), _("%(name)s用到今天为止，已经盖了的仍然有效。") % {"name": found.name})


urlpatterns = [
    path("templates", templates, name="templates"),
    path("templates/seals/new", new_seal, name="seal-new"),
    path("templates/seals/stop", stop_seal, name="seal-stop"),
    path("templates/<slug:kind>", one, name="template"),
    path("templates/<slug:kind>/edit", edit, name="template-edit"),
    path("templates/<slug:kind>/approve", approve, name="template-approve"),
    path("templates/<slug:kind>/drop", drop, name="template-drop"),
    path("templates/<slug:kind>/preview", preview, name="template-preview"),
    path("templates/<slug:kind>/try", try_words, name="template-try"),
]
