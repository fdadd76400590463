"""The power list at the workbench: editions, batches, two editions side by side."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from django import forms
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yimen.catalog import power_lists
from yimen.catalog.actions import powers as actions
from yimen.catalog.actions.powers import BatchLine, PowerDraft
from yimen.catalog.models import ItemType, PowerBatch, PowerBatchLine, PowerList
from yimen.catalog.queries import powers as queries
from yimen.catalog.rules.powers import LEVEL_NAMES, Comparison, Cut
from yimen.insight import power_tables
from yimen.lib.dates import short_day
from yimen.lib.tables import Unreadable
from yimen.people import access, reasons
from yimen.people.models import Department
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench.adding import form_page, required
from yimen.web.workbench.guard import StaffRequest, staff_page

PAGE = 30
LARGEST_FILE = 20_000_000
OPENS = ["GET", "HEAD", "POST"]
ANY = (("", gettext_lazy("不限")),)


def day_field(label: Any, *, is_required: bool = True, help_text: Any = "") -> forms.DateField:
    return forms.DateField(
        label=label,
        required=is_required,
        help_text=help_text,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "required": gettext_lazy("请选日期。"),
            "invalid": gettext_lazy("没有这一天，请写成 2027-02-08 这样。"),
        },
    )


def department_field(
    region: str, label: Any, *, empty: Any = None, is_required: bool = False
) -> forms.ModelChoiceField:
    return forms.ModelChoiceField(
        label=label,
        queryset=Department.objects.filter(region_id=region).order_by("name"),
        required=is_required,
        empty_label=empty or gettext_lazy("不限"),
        error_messages={"required": gettext_lazy("请选部门。"), "invalid_choice": gettext_lazy("没有这个部门。")},
    )


def csv_answer(text: str, name: str) -> HttpResponse:
    return HttpResponse(
        text.encode("utf-8-sig"),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


def checked(form: forms.Form) -> dict[str, Any]:
    if not form.is_valid():
        raise Stay(form=form)
    return form.cleaned_data


class PowerFilter(forms.Form):
    """What a list of powers is narrowed to; for the public page too."""

    q = forms.CharField(label=gettext_lazy("找职权"), max_length=60, required=False)
    type = forms.ChoiceField(label=gettext_lazy("类型"), required=False, choices=[*ANY, *ItemType.choices])
    level = forms.ChoiceField(label=gettext_lazy("行使层级"), required=False, choices=[*ANY, *LEVEL_NAMES.items()])

    def __init__(self, *args: Any, region: str, **kwargs: Any) -> None:
        super().__init__(*args, **({"auto_id": "%s"} | kwargs))
        self.fields["department"] = department_field(region, gettext_lazy("部门"))

    def chosen(self) -> dict[str, Any]:
        """Return the valid choices as queries.entries() takes them."""
        self.is_valid()
        said = self.cleaned_data
        organ = said.get("department")
        return {
            "text": str(said.get("q") or "").replace("\x00", ""),
            "power_type": said.get("type") or "",
            "level": said.get("level") or "",
            "department": organ.pk if organ else None,
        }


class BeginForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("这一版的名称"),
        max_length=120,
        required=False,
        help_text=gettext_lazy("空着就沿用上一版的名称。"),
    )
    file = forms.FileField(
        label=gettext_lazy("清单文件（xlsx 或 csv）"),
        required=False,
        help_text=gettext_lazy("要有“编码、职权名称、类型”三列；空着就从上一版抄一份再改。"),
        error_messages={"empty": gettext_lazy("这个文件是空的。")},
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data.get("file")
        if file and file.size > LARGEST_FILE:
            raise forms.ValidationError(_("文件超过 20 MB，请用 yimen power-list import 收。"))
        return file


class PowerForm(forms.Form):
    code = forms.CharField(label=gettext_lazy("编码"), max_length=40, **required(gettext_lazy("请填写编码。")))
    name = forms.CharField(label=gettext_lazy("职权名称"), max_length=300, **required(gettext_lazy("请填写职权名称。")))
    power_type = forms.ChoiceField(label=gettext_lazy("类型"), choices=ItemType.choices)
    level = forms.ChoiceField(
        label=gettext_lazy("行使层级"), required=False, choices=[("", gettext_lazy("没有写")), *LEVEL_NAMES.items()]
    )
    legal_basis = forms.CharField(label=gettext_lazy("设定依据"), required=False, widget=forms.Textarea({"rows": 3}))
    duties = forms.CharField(label=gettext_lazy("责任事项"), required=False, widget=forms.Textarea({"rows": 3}))

    def __init__(self, *args: Any, region: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["department"] = department_field(region, gettext_lazy("部门"), empty=gettext_lazy("没有写"))


class DropForm(forms.Form):
    code = forms.CharField(label=gettext_lazy("编码"), max_length=40, **required(gettext_lazy("请填写编码。")))
    reason = forms.CharField(
        label=gettext_lazy("为什么去掉"),
        max_length=200,
        help_text=gettext_lazy("取消和下放请走批次，这里只改录错的。"),
        **required(gettext_lazy("请写明为什么去掉。")),
    )


class PublishForm(forms.Form):
    effective_on = day_field(gettext_lazy("从哪天起生效"))
    reinstated_by = forms.CharField(
        label=gettext_lazy("重新设定的文号"),
        max_length=120,
        required=False,
        help_text=gettext_lazy("只有取消过的职权依法重新设定时才写，其余空着。"),
    )


_LINE = re.compile(r"[\s,，、;；\t]+")
_ACTIONS = {"取消": PowerBatchLine.Action.CANCEL, "下放": PowerBatchLine.Action.DELEGATE}


class BatchForm(forms.Form):
    number = forms.IntegerField(
        label=gettext_lazy("第几批"),
        min_value=1,
        max_value=9999,
        **required(gettext_lazy("请填写第几批。")),
    )
    on = day_field(gettext_lazy("日期"))
    document_no = forms.CharField(label=gettext_lazy("文号"), max_length=80, **required(gettext_lazy("请填写文号。")))
    lines = forms.CharField(
        label=gettext_lazy("取消和下放哪些"),
        help_text=gettext_lazy("一行一项：编码，取消；或者：编码，下放，给谁。"),
        widget=forms.Textarea({"rows": 8}),
        **required(gettext_lazy("请写上取消和下放哪些。")),
    )

    def clean_lines(self) -> list[BatchLine]:
        return read_lines(self.cleaned_data["lines"])


def read_lines(text: str) -> list[BatchLine]:
    """Return the lines of a batch as typed: code, 取消 or 下放, to whom. Raises ValidationError naming the line."""
    found = []
    for number, line in enumerate(text.replace("\x00", "").splitlines(), 1):
        words = [word for word in _LINE.split(line.strip(), maxsplit=2) if word]
        if not words:
            continue
        action = _ACTIONS.get(words[1]) if len(words) > 1 else None
        if action is None:
            raise forms.ValidationError(
                _("第 %(number)d 行要写成“编码，取消”或“编码，下放，给谁”。") % {"number": number}
            )
        found.append(BatchLine(words[0], action, words[2].strip() if len(words) > 2 else ""))
    return found


# Editions


def _edition(request: StaffRequest, pk: UUID) -> PowerList:
    found = queries.edition_for(request.staff.region_id, pk)
    if found is None:
        raise Http404
    return found


def _may(request: StaffRequest) -> dict[str, bool]:
    return {f"may_{verb}": access.allowed(request.staff, f"powers.{verb}") for verb in ("edit", "publish")}


def _home(request: StaffRequest, **more: Any) -> HttpResponse:
    region, today = request.staff.region_id, localdate(timezone.now())
    editions = list(queries.editions(region))
    published = [one for one in editions if one.published_at]
    context = {
        "editions": editions,
        "draft": next((one for one in editions if not one.published_at), None),
        "in_force": queries.power_list_in_force(region, today),
        "latest_two": published[:2] if len(published) > 1 else [],
        "batches": queries.batches(region),
        "missing": queries.items_without_power(region, today).count(),
        **_may(request),
        **more,
    }
    return render(request, "workbench/powers/list.html", context)


@staff_page("powers.view")
@require_safe
def powers(request: StaffRequest) -> HttpResponse:
    """Every edition and every batch."""
    return _home(request)


@staff_page("powers.edit")
@require_http_methods(OPENS)
def begin(request: StaffRequest) -> HttpResponse:
    return _begin(request) if request.method == "POST" else _begin_page(request)


def _begin_page(request: StaffRequest, *, form: BeginForm | None = None, refused: str = "") -> HttpResponse:
    return form_page(
        request,
        form or BeginForm(request.POST or None, request.FILES or None),
        heading=_("开始下一版权力清单"),
        word=_("存成草稿"),
        back=reverse("workbench:powers"),
        parent=_("权力清单"),
        lead=_("先存成草稿，由没有动过它的发布人核对发布。"),
        refused=refused,
    )


@keyed("powers.begin", stay=_begin_page)
def _begin(request: StaffRequest) -> Done:
    form = BeginForm(request.POST, request.FILES)
    said = checked(form)
    rows = _uploaded(form, said["file"], request) if said["file"] else None
    draft = actions.begin_power_list(
        request.staff.region, name=said["name"], powers=rows, by=request.staff, at=timezone.now()
    )
    return Done(
        reverse("workbench:powers-edition", args=[draft.pk]), _("第 %(n)d 版的草稿存好了。") % {"n": draft.number}
    )


def _uploaded(form: BeginForm, file: Any, request: StaffRequest) -> list[PowerDraft]:
    """Read the file, or show every wrong line beside its field."""
    with tempfile.NamedTemporaryFile(suffix=Path(file.name).suffix[:10]) as kept:
        for part in file.chunks():
            kept.write(part)
        kept.flush()
        try:
            return power_lists.read_power_list(Path(kept.name), request.staff.region, name=file.name[:80])
        except power_lists.BadList as error:
            for fault in error.faults[:20]:
                form.add_error("file", str(fault))
            if len(error.faults) > 20:
                form.add_error("file", _("还有 %(n)d 处，改好这些再看。") % {"n": len(error.faults) - 20})
        except Unreadable as error:
            form.add_error("file", str(error))
    raise Stay(form=form)


@staff_page("powers.view")
@require_safe
def edition(request: StaffRequest, pk: UUID) -> HttpResponse:
    """One edition: its powers, and what may be done with a draft."""
    found = _edition(request, pk)
    form = PowerFilter(request.GET, region=request.staff.region_id)
    chosen = form.chosen()
    context = {
        "edition": found,
        "before": queries.edition_before(found),
        "form": form,
        "is_narrowed": any(chosen.values()),
        "page": Paginator(queries.entries(found, **chosen), PAGE).get_page(request.GET.get("page")),
        "dropped": reasons.told_in([f"power_list:{found.pk}"], queries.DROPPED, region=found.region_id),
        "is_own": request.staff.ledger_ref in actions.writers_of(found) if not found.published_at else False,
        **_may(request),
    }
    return render(request, "workbench/powers/edition.html", context)


def _edition_form(
    request: StaffRequest, pk: UUID, form: forms.Form, heading: str, word: str, **more: Any
) -> HttpResponse:
    found = _edition(request, pk)
    back = reverse("workbench:powers-edition", args=[pk])
    parent = _("第 %(n)d 版") % {"n": found.number}
    return form_page(request, form, heading=heading, word=word, back=back, parent=parent, **more)


def _publish_page(
    request: StaffRequest, pk: UUID, *, form: forms.Form | None = None, refused: str = ""
) -> HttpResponse:
    given = form or PublishForm(request.POST or None, initial={"effective_on": localdate(timezone.now())})
    lead = _("发布以后不能再改；没有编码在清单里的事项不能发布。")
    return _edition_form(request, pk, given, _("发布这一版"), _("发布"), lead=lead, refused=refused)


@staff_page("powers.publish")
@require_http_methods(OPENS)
def publish(request: StaffRequest, pk: UUID) -> HttpResponse:
    return _publish(request, pk) if request.method == "POST" else _publish_page(request, pk)


@keyed("powers.publish", stay=_publish_page)
def _publish(request: StaffRequest, pk: UUID) -> Done:
    found, said = _edition(request, pk), checked(PublishForm(request.POST))
    done = actions.publish_power_list(found, by=request.staff, at=timezone.now(), **said)
    values = {"n": done.number, "day": short_day(said["effective_on"], year=True)}
    return Done(reverse("workbench:powers-edition", args=[pk]), _("第 %(n)d 版发布了，%(day)s起生效。") % values)


def _power_page(request: StaffRequest, pk: UUID, *, form: forms.Form | None = None, refused: str = "") -> HttpResponse:
    found = _edition(request, pk)
    entry = found.entries.filter(code=request.GET.get("code", "").replace("\x00", "")).first()
    initial = {name: getattr(entry, name) for name in PowerDraft.__dataclass_fields__} if entry else {"level": "4"}
    given = form or PowerForm(request.POST or None, region=request.staff.region_id, initial=initial)
    heading = _("改一项职权") if entry else _("加一项职权")
    return _edition_form(request, pk, given, heading, _("存进草稿"), refused=refused)


@staff_page("powers.edit")
@require_http_methods(OPENS)
def power(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Add a power to a draft, or with ?code= change one."""
    return _power(request, pk) if request.method == "POST" else _power_page(request, pk)


@keyed("powers.save", stay=_power_page)
def _power(request: StaffRequest, pk: UUID) -> Done:
    found, said = _edition(request, pk), checked(PowerForm(request.POST, region=request.staff.region_id))
    entry = actions.save_power(found, PowerDraft(**said), by=request.staff, at=timezone.now())
    return Done(reverse("workbench:powers-edition", args=[pk]), _("%(name)s存好了。") % {"name": entry.name})


def _drop_page(request: StaffRequest, pk: UUID, *, form: forms.Form | None = None, refused: str = "") -> HttpResponse:
    given = form or DropForm(request.POST or None, initial={"code": request.GET.get("code", "")})
    return _edition_form(request, pk, given, _("去掉一项职权"), _("删掉"), refused=refused)


@staff_page("powers.edit")
@require_http_methods(OPENS)
def drop(request: StaffRequest, pk: UUID) -> HttpResponse:
    return _drop(request, pk) if request.method == "POST" else _drop_page(request, pk)


@keyed("powers.drop", stay=_drop_page)
def _drop(request: StaffRequest, pk: UUID) -> Done:
    found, said = _edition(request, pk), checked(DropForm(request.POST))
    actions.drop_power(found, said["code"], reason=said["reason"], by=request.staff, at=timezone.now())
    return Done(reverse("workbench:powers-edition", args=[pk]), _("%(code)s 去掉了。") % {"code": said["code"]})


# Two editions side by side


class CompareForm(forms.Form):
    KINDS = (
        ("removed", gettext_lazy("去掉的")),
        ("added", gettext_lazy("新增的")),
        ("changed", gettext_lazy("修改的")),
    )

    show = forms.ChoiceField(label=gettext_lazy("看哪些"), choices=KINDS, required=False)

    def __init__(self, *args: Any, editions: Sequence[PowerList], **kwargs: Any) -> None:
        super().__init__(*args, **({"auto_id": "%s"} | kwargs))
        words = [(str(one.number), _("第 %(n)d 版") % {"n": one.number}) for one in editions]
        for name, label in (("before", _("从")), ("after", _("到"))):
            self.fields[name] = forms.ChoiceField(label=label, choices=words, required=False)


def compared(region: str, asked: Any, editions: Sequence[PowerList]) -> dict[str, Any]:
    """Return what a page of two editions shows; asked: the query string; editions: the newest first, two at least."""
    form = CompareForm(asked, editions=editions)
    form.is_valid()
    said, by_number = form.cleaned_data, {str(one.number): one for one in editions}
    after = by_number.get(said.get("after", ""), editions[0])
    earlier = next((one for one in editions if one.number < after.number), editions[-1])
    before = by_number.get(said.get("before", ""), earlier)
    found = queries.compare(before, after)
    shown = said.get("show") or "removed"
    cuts = queries.cuts(region)
    return {
        "form": CompareForm({"before": before.number, "after": after.number, "show": shown}, editions=editions),
        "before": before,
        "after": after,
        "found": found,
        "levels": [(power_tables.level_name(one.key), one) for one in found.by_level],
        "departments": [(one.key or _("没有写"), one) for one in found.by_department],
        "show": shown,
        "page": Paginator(_shown(found, shown, cuts), PAGE).get_page(asked.get("page")),
        "kinds": [(key, word, len(getattr(found, key))) for key, word in CompareForm.KINDS],
        "cuts": cuts,
    }


def _shown(found: Comparison, what: str, cuts: dict[str, Cut]) -> list[dict[str, Any]]:
    if what == "changed":
        return [
            {"power": pair.after, "before": pair.before, "parts": [power_tables.part_name(part) for part in pair.what]}
            for pair in found.changed
        ]
    return [{"power": one, "cut": cuts.get(one.code) if what == "removed" else None} for one in getattr(found, what)]


@staff_page("powers.view")
@require_safe
def compare(request: StaffRequest) -> HttpResponse:
    """Two editions: how many fewer, by level and unit, and which; ?format=csv for all of them."""
    region = request.staff.region_id
    editions = list(queries.editions(region))
    if len(editions) < 2:
        return render(request, "workbench/powers/compare.html", {"editions": editions})
    context = compared(region, request.GET, editions)
    if request.GET.get("format") == "csv":
        before, after = context["before"], context["after"]
        text = power_tables.comparison_text(before, after, context["found"], context["cuts"], "csv")
        return csv_answer(text, f"power-list-{before.number}-{after.number}.csv")
    return render(request, "workbench/powers/compare.html", {"editions": editions, **context})


# Batches


def _batch(request: StaffRequest, pk: UUID) -> PowerBatch:
    found = queries.batch_for(request.staff.region_id, pk)
    if found is None:
        raise Http404
    return found


def _batch_page(request: StaffRequest, pk: UUID, *, refused: str = "", **_more: Any) -> HttpResponse:
    found = _batch(request, pk)
    page = Paginator(found.lines.order_by("action", "code"), PAGE).get_page(request.GET.get("page"))
    return render(
        request, "workbench/powers/batch.html", {"batch": found, "page": page, "refused": refused, **_may(request)}
    )


@staff_page("powers.view")
@require_safe
def batch(request: StaffRequest, pk: UUID) -> HttpResponse:
    return _batch_page(request, pk)


def _batch_form(request: StaffRequest, *, form: forms.Form | None = None, refused: str = "") -> HttpResponse:
    count = PowerBatch.objects.filter(region=request.staff.region_id).count()
    initial = {"number": count + 1, "on": localdate(timezone.now())}
    return form_page(
        request,
        form or BatchForm(request.POST or None, initial=initial),
        heading=_("录入一批取消和下放"),
        word=_("存好这一批"),
        back=reverse("workbench:powers"),
        parent=_("权力清单"),
        lead=_("从这天起，这些编码的事项不能再发布；并入清单要另按一次。"),
        refused=refused,
    )


@staff_page("powers.edit")
@require_http_methods(OPENS)
def new_batch(request: StaffRequest) -> HttpResponse:
    return _record(request) if request.method == "POST" else _batch_form(request)


@keyed("powers.record_batch", stay=_batch_form)
def _record(request: StaffRequest) -> Done:
    said = checked(BatchForm(request.POST))
    done = actions.record_batch(request.staff.region, by=request.staff, at=timezone.now(), **said)
    return Done(reverse("workbench:powers-batch", args=[done.pk]), _("第 %(n)d 批录好了。") % {"n": done.number})


@staff_page("powers.edit")
@require_POST
def apply(request: StaffRequest, pk: UUID) -> HttpResponse:
    return _apply(request, pk)


@keyed("powers.apply_batch", stay=_batch_page)
def _apply(request: StaffRequest, pk: UUID) -> Done:
    found = _batch(request, pk)
    draft = actions.apply_batch(found, by=request.staff, at=timezone.now())
    values = {"batch": found.number, "n": draft.number}
    return Done(
        reverse("workbench:powers-edition", args=[draft.pk]), _("第 %(batch)d 批并入了第 %(n)d 版草稿。") % values
    )


urlpatterns = [
    path("powers", powers, name="powers"),
    path("powers/new", begin, name="powers-begin"),
    path("powers/compare", compare, name="powers-compare"),
    path("powers/batches/new", new_batch, name="powers-batch-new"),
    path("powers/batches/<uuid:pk>", batch, name="powers-batch"),
    path("powers/batches/<uuid:pk>/apply", apply, name="powers-batch-apply"),
    path("powers/<uuid:pk>", edition, name="powers-edition"),
    path("powers/<uuid:pk>/publish", publish, name="powers-publish"),
    path("powers/<uuid:pk>/power", power, name="powers-power"),
    path("powers/<uuid:pk>/drop", drop, name="powers-drop"),
]
