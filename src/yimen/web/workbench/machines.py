"""自助机和打印机: set up, where each stands, whether it lives, its printer; slips again; taking numbers by phone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yimen.hall import queries
from yimen.hall.actions import kiosks as actions
from yimen.hall.actions import printing
from yimen.hall.models import Hall, Kiosk, Printer, Series, Ticket
from yimen.hall.queries import kiosks as reads
from yimen.web.kiosk import slips
from yimen.web.kiosk.views import follow_address
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench.adding import CODE_HINT, form_page, required
from yimen.web.workbench.guard import StaffRequest, posted_text, staff_page

OPENS = ["GET", "HEAD", "POST"]


class KioskForm(forms.Form):
    code = forms.CharField(
        label=gettext_lazy("代号"), max_length=20, help_text=CODE_HINT, **required(gettext_lazy("请填写代号。"))
    )
    name = forms.CharField(label=gettext_lazy("名称"), max_length=40, **required(gettext_lazy("请填写名称。")))
    place = forms.CharField(
        label=gettext_lazy("放在哪里"),
        max_length=40,
        required=False,
        help_text=gettext_lazy("群众请导办员时，导办员看得到，例如：东门入口左边。"),
    )
    printer = forms.ModelChoiceField(
        label=gettext_lazy("打印机"),
        queryset=Printer.objects.none(),
        required=False,
        empty_label=gettext_lazy("没有打印机，只在屏幕上给号"),
    )
    idle_seconds = forms.IntegerField(
        label=gettext_lazy("没人碰多少秒回到开始"),
        min_value=actions.SHORTEST_IDLE,
        max_value=actions.LONGEST_IDLE,
        initial=60,
    )
    series = forms.ModelMultipleChoiceField(
        label=gettext_lazy("取哪几队的号（不选就是全部）"),
        queryset=Series.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    is_on = forms.BooleanField(label=gettext_lazy("在用"), required=False, initial=True)

    def __init__(self, *args: Any, hall: Hall, is_new: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["printer"].queryset = reads.printers_of(hall)  # type: ignore[attr-defined]
        self.fields["series"].queryset = hall.series.all()  # type: ignore[attr-defined]
        if not is_new:
            del self.fields["code"]


class PrinterForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("名称"), max_length=40, **required(gettext_lazy("请填写名称。")))
    kind = forms.ChoiceField(label=gettext_lazy("怎么连"), choices=Printer.Kind.choices)
    target = forms.CharField(
        label=gettext_lazy("地址"),
        max_length=120,
        help_text=gettext_lazy("网络打印机写 地址:端口，例如 192.168.1.50:9100；文件只写一个名字，例如 k1。"),
        **required(gettext_lazy("请填写地址。")),
    )
    width = forms.TypedChoiceField(
        label=gettext_lazy("纸宽"),
        coerce=int,
        choices=[(576, gettext_lazy("80 毫米")), (384, gettext_lazy("58 毫米"))],
        initial=576,
    )
    is_on = forms.BooleanField(label=gettext_lazy("在用"), required=False, initial=True)


class JoinForm(forms.Form):
    has_code = forms.BooleanField(label=gettext_lazy("凭门口的取号码，可以用手机取号"), required=False)
    new_code = forms.BooleanField(label=gettext_lazy("换一个新的取号码（旧的马上不能用）"), required=False)
    latitude = forms.FloatField(label=gettext_lazy("大厅的纬度（可以不填）"), required=False)
    longitude = forms.FloatField(label=gettext_lazy("大厅的经度（可以不填）"), required=False)
    radius = forms.IntegerField(
        label=gettext_lazy("离大厅多少米以内可以取"),
        min_value=100,
        max_value=20_000,
        initial=1000,
        help_text=gettext_lazy("填了经纬度才用得上；群众的位置只比一比，不保存。"),
    )


def _checked(form: forms.Form) -> dict[str, Any]:
    if not form.is_valid():
        raise Stay(form=form)
    return form.cleaned_data


def _hall(request: StaffRequest, pk: UUID) -> Hall:
    hall = next((one for one in queries.halls_for(request.staff) if one.pk == pk), None)
    if hall is None:
        raise Http404
    return hall


def _one_kiosk(request: StaffRequest, pk: UUID) -> Kiosk:
    halls = [hall.pk for hall in queries.halls_for(request.staff)]
    return get_object_or_404(Kiosk.objects.select_related("hall", "printer"), pk=pk, hall__in=halls)


def _one_printer(request: StaffRequest, pk: UUID) -> Printer:
    halls = [hall.pk for hall in queries.halls_for(request.staff)]
    return get_object_or_404(Printer.objects.select_related("hall"), pk=pk, hall__in=halls)


def _overview(request: StaffRequest, *args: Any, refused: str = "", **context: Any) -> HttpResponse:
    base, now = str(settings.BASE_URL).rstrip("/"), timezone.now()
    rows = []
    for hall in queries.halls_for(request.staff):
        found = list(reads.kiosks_of(hall))
        for kiosk in found:
            seen = kiosk.last_seen_at
            kiosk.is_dead = kiosk.is_on and (seen is None or now - seen > reads.DEAD_AFTER)  # type: ignore[attr-defined]
            kiosk.address = base + reverse("kiosk:start", args=[kiosk.code])  # type: ignore[attr-defined]
        join = base + reverse("portal:join", args=[hall.code])
        rows.append(
            {
                "hall": hall,
                "kiosks": found,
                "printers": list(reads.printers_of(hall)),
                "join": f"{join}?code={hall.join_code}" if hall.join_code else join,
                "plain": base + reverse("kiosk:start", args=[hall.code]),
            }
        )
    return render(request, "workbench/machines/list.html", {"rows": rows, "refused": refused})


@staff_page("hall.manage")
@require_safe
def overview(request: StaffRequest) -> HttpResponse:
    return _overview(request)


@staff_page("hall.manage")
@require_http_methods(OPENS)
def new_kiosk(request: StaffRequest, hall_id: UUID) -> HttpResponse:
    return _add_kiosk(request, hall_id) if request.method == "POST" else _kiosk_form(request, hall_id)


def _kiosk_form(
    request: StaffRequest, hall_id: UUID, *, form: KioskForm | None = None, refused: str = ""
) -> HttpResponse:
    hall = _hall(request, hall_id)
    return form_page(
        request,
        form or KioskForm(request.POST or None, hall=hall, is_new=True),
        heading=_("%(hall)s加一台自助机") % {"hall": hall.name},
        word=_("加这台自助机"),
        back=reverse("workbench:machines"),
        parent=_("自助机"),
        refused=refused,
    )


@keyed("hall.add_kiosk", stay=_kiosk_form)
def _add_kiosk(request: StaffRequest, hall_id: UUID) -> Done:
    hall = _hall(request, hall_id)
    said = _checked(KioskForm(request.POST, hall=hall, is_new=True))
    kiosk = actions.add_kiosk(hall, by=request.staff, at=timezone.now(), **said)
    return Done(reverse("workbench:machines"), _("%(name)s加好了。") % {"name": kiosk.name})


@staff_page("hall.manage")
@require_http_methods(OPENS)
def kiosk(request: StaffRequest, pk: UUID) -> HttpResponse:
    return _set_kiosk(request, pk) if request.method == "POST" else _kiosk_page(request, pk)


def _kiosk_page(request: StaffRequest, pk: UUID, *, form: KioskForm | None = None, refused: str = "") -> HttpResponse:
    found = _one_kiosk(request, pk)
    initial = {name: getattr(found, name) for name in ("name", "place", "printer", "idle_seconds", "is_on")}
    initial["series"] = found.series.all()
    return form_page(
        request,
        form or KioskForm(request.POST or None, hall=found.hall, is_new=False, initial=initial),
        heading=found.name,
        word=_("就这样设"),
        back=reverse("workbench:machines"),
        parent=_("自助机"),
        refused=refused,
    )


@keyed("hall.set_kiosk", stay=_kiosk_page)
def _set_kiosk(request: StaffRequest, pk: UUID) -> Done:
    found = _one_kiosk(request, pk)
    said = _checked(KioskForm(request.POST, hall=found.hall, is_new=False))
    actions.set_kiosk(found.pk, by=request.staff, at=timezone.now(), **said)
    return Done(reverse("workbench:machines"), _("%(name)s设好了。") % {"name": said["name"]})


@staff_page("hall.manage")
@require_http_methods(OPENS)
def new_printer(request: StaffRequest, hall_id: UUID) -> HttpResponse:
    return _add_printer(request, hall_id) if request.method == "POST" else _printer_form(request, hall_id)


def _printer_form(
    request: StaffRequest, hall_id: UUID, *, form: PrinterForm | None = None, refused: str = ""
) -> HttpResponse:
    form = form or PrinterForm(request.POST or None)
    form.fields.pop("is_on", None)
    return form_page(
        request,
        form,
        heading=_("%(hall)s加一台打印机") % {"hall": _hall(request, hall_id).name},
        word=_("加这台打印机"),
        back=reverse("workbench:machines"),
        parent=_("自助机"),
        refused=refused,
    )


@keyed("hall.add_printer", stay=_printer_form)
def _add_printer(request: StaffRequest, hall_id: UUID) -> Done:
    said = _checked(PrinterForm(request.POST))
    said.pop("is_on")
    printer = actions.add_printer(_hall(request, hall_id), by=request.staff, at=timezone.now(), **said)
    return Done(reverse("workbench:machines"), _("%(name)s加好了，打一张测试页看看。") % {"name": printer.name})


@staff_page("hall.manage")
@require_http_methods(OPENS)
def printer(request: StaffRequest, pk: UUID) -> HttpResponse:
    return _set_printer(request, pk) if request.method == "POST" else _printer_page(request, pk)


def _printer_page(
    request: StaffRequest, pk: UUID, *, form: PrinterForm | None = None, refused: str = ""
) -> HttpResponse:
    found = _one_printer(request, pk)
    initial = {name: getattr(found, name) for name in ("name", "kind", "target", "width", "is_on")}
    return form_page(
        request,
        form or PrinterForm(request.POST or None, initial=initial),
        heading=found.name,
        word=_("就这样设"),
        back=reverse("workbench:machines"),
        parent=_("自助机"),
        refused=refused,
    )


@keyed("hall.set_printer", stay=_printer_page)
def _set_printer(request: StaffRequest, pk: UUID) -> Done:
    found = _one_printer(request, pk)
    actions.set_printer(found.pk, by=request.staff, at=timezone.now(), **_checked(PrinterForm(request.POST)))
    return Done(reverse("workbench:machines"), _("%(name)s设好了。") % {"name": found.name})


@staff_page("hall.manage")
@require_POST
@keyed("hall.test_page", stay=_overview)
def test_page(request: StaffRequest, pk: UUID) -> Done:
    found = _one_printer(request, pk)
    with override("zh-hans"):
        data = slips.bytes_of(slips.test_page(found), found)
    printing.print_slip(found, data, by=request.staff, at=timezone.now())
    return Done(
        reverse("workbench:machines"), _("测试页发给%(name)s了，看看它这一行有没有毛病。") % {"name": found.name}
    )


@staff_page("hall.manage")
@require_http_methods(OPENS)
def joining(request: StaffRequest, hall_id: UUID) -> HttpResponse:
    """How people may take a number by phone."""
    return _set_joining(request, hall_id) if request.method == "POST" else _join_form(request, hall_id)


def _join_form(
    request: StaffRequest, hall_id: UUID, *, form: JoinForm | None = None, refused: str = ""
) -> HttpResponse:
    hall = _hall(request, hall_id)
    initial = {name: getattr(hall, name) for name in ("latitude", "longitude", "radius")}
    return form_page(
        request,
        form or JoinForm(request.POST or None, initial={**initial, "has_code": bool(hall.join_code)}),
        heading=_("%(hall)s手机取号") % {"hall": hall.name},
        word=_("就这样设"),
        back=reverse("workbench:machines"),
        parent=_("自助机"),
        lead=_("取号码贴在大厅门口，群众扫码或输码就能取号；也可以只让离大厅近的人取。"),
        refused=refused,
    )


@keyed("hall.set_joining", stay=_join_form)
def _set_joining(request: StaffRequest, hall_id: UUID) -> Done:
    hall = _hall(request, hall_id)
    actions.set_joining(hall.pk, by=request.staff, at=timezone.now(), **_checked(JoinForm(request.POST)))
    return Done(reverse("workbench:machines"), _("手机取号设好了。"))


# Slips again, for whoever stands at the desk


def _reprint_page(request: StaffRequest, *, refused: str = "") -> HttpResponse:
    halls = queries.halls_for(request.staff)
    label = (request.POST.get("label") or request.GET.get("label", "")).strip().upper()[:12]
    today = timezone.localdate()
    found = (
        Ticket.objects.filter(region_id=request.staff.region_id, hall__in=halls, day=today, label=label)
        .select_related("series", "hall")
        .first()
        if label
        else None
    )
    printers = Printer.objects.filter(hall__in=halls, is_on=True).select_related("hall").order_by("name")
    values = {"label": label, "found": found, "printers": printers, "refused": refused}
    return render(request, "workbench/machines/reprint.html", values)


@staff_page("hall.take")
@require_safe
def reprint(request: StaffRequest) -> HttpResponse:
    """A slip again: by its number, on any printer of the hall."""
    return _reprint_page(request)


@staff_page("hall.take")
@require_POST
@keyed("hall.reprint", stay=_reprint_page)
def reprint_now(request: StaffRequest) -> Done:
    halls = queries.halls_for(request.staff)
    label = posted_text(request, "label").strip().upper()[:12]
    found = get_object_or_404(
        Ticket.objects.select_related("series__zone", "hall", "item", "window"),
        region_id=request.staff.region_id, hall__in=halls, day=timezone.localdate(), label=label,
    )  # fmt: skip
    chosen = _printer_posted(request, halls)
    data = slips.ticket_bytes(found, follow_address(found), chosen, is_copy=True)
    printing.print_slip(chosen, data, ticket=found, by=request.staff, at=timezone.now())
    return Done(
        reverse("workbench:reprint"), _("%(label)s 的小票发给%(name)s了。") % {"label": label, "name": chosen.name}
    )


def _printer_posted(request: StaffRequest, halls: list[Hall]) -> Printer:
    try:
        return get_object_or_404(Printer, pk=UUID(request.POST.get("printer", "")), hall__in=halls)
    except ValueError:
        raise Http404 from None


urlpatterns = [
    path("machines", overview, name="machines"),
    path("machines/reprint", reprint, name="reprint"),
    path("machines/reprint/now", reprint_now, name="reprint-now"),
    path("machines/kiosks/<uuid:pk>", kiosk, name="kiosk"),
    path("machines/printers/<uuid:pk>", printer, name="printer"),
    path("machines/printers/<uuid:pk>/test", test_page, name="printer-test"),
    path("machines/<uuid:hall_id>/kiosks/new", new_kiosk, name="kiosk-new"),
    path("machines/<uuid:hall_id>/printers/new", new_printer, name="printer-new"),
    path("machines/<uuid:hall_id>/joining", joining, name="joining"),
]
