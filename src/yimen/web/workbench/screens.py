"""Screens of the halls and the notices on them: set up, changed, looked at before, switched off."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yimen.hall import queries
from yimen.hall.actions import notices, screens
from yimen.hall.models import Hall, HallZone, Notice, Screen, Window
from yimen.hall.queries import screens as reads
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench.adding import CODE_HINT, required
from yimen.web.workbench.guard import StaffRequest, staff_page

OPENS = ["GET", "HEAD", "POST"]
PAGE = 20


class _Time(forms.TimeField):
    widget = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")


class _Day(forms.DateInput):
    def __init__(self) -> None:
        super().__init__(attrs={"type": "date"}, format="%Y-%m-%d")


class ScreenForm(forms.Form):
    """Everything a screen can be told; code only for a new one."""

    name = forms.CharField(label=gettext_lazy("名称"), max_length=40, **required(gettext_lazy("请填写名称。")))
    code = forms.CharField(
        label=gettext_lazy("代号"), max_length=20, help_text=CODE_HINT, **required(gettext_lazy("请填写代号。"))
    )
    layout = forms.ChoiceField(label=gettext_lazy("显示什么"), choices=Screen.Layout.choices)
    zone = forms.ModelChoiceField(
        label=gettext_lazy("哪个区"),
        queryset=HallZone.objects.none(),
        required=False,
        empty_label=gettext_lazy("不分区"),
        help_text=gettext_lazy("分区屏要选。"),
    )
    window = forms.ModelChoiceField(
        label=gettext_lazy("哪个窗口"),
        queryset=Window.objects.none(),
        required=False,
        empty_label=gettext_lazy("不在窗口"),
        help_text=gettext_lazy("窗口屏要选。"),
    )
    halls = forms.ModelMultipleChoiceField(
        label=gettext_lazy("还显示哪些大厅"),
        queryset=Hall.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("多大厅屏要选。"),
    )
    high_contrast = forms.BooleanField(label=gettext_lazy("长辈高对比：黑底白字，字更大"), required=False)
    shows_notices = forms.BooleanField(label=gettext_lazy("轮播公告和便民设施"), required=False, initial=True)
    shows_openings = forms.BooleanField(label=gettext_lazy("轮播事项的五公开"), required=False, initial=True)
    shows_figures = forms.BooleanField(
        label=gettext_lazy("轮播三个数：愿意来、办得快、心情好"), required=False, initial=True
    )
    speaks = forms.BooleanField(label=gettext_lazy("播报叫号（一个大厅只让一块屏出声）"), required=False, initial=False)
    repeats = forms.IntegerField(label=gettext_lazy("每个号播几遍"), min_value=1, max_value=5, initial=2)
    language = forms.CharField(
        label=gettext_lazy("语言"), max_length=12, initial="zh-CN", help_text=gettext_lazy("例如 zh-CN、yue-HK。")
    )
    speech = forms.CharField(
        label=gettext_lazy("播报的话"),
        max_length=120,
        required=False,
        help_text=gettext_lazy("不写就说：请{label}，到{window}号窗口"),
    )
    second_language = forms.CharField(label=gettext_lazy("第二种语言或方言"), max_length=12, required=False)
    second_speech = forms.CharField(label=gettext_lazy("第二种话怎么说"), max_length=120, required=False)
    volume = forms.IntegerField(label=gettext_lazy("音量（%）"), min_value=0, max_value=100, initial=100)
    quiet_from = _Time(label=gettext_lazy("几点起小声"), required=False)
    quiet_until = _Time(label=gettext_lazy("小声到几点"), required=False)
    quiet_volume = forms.IntegerField(label=gettext_lazy("小声时的音量（%）"), min_value=0, max_value=100, initial=30)

    def __init__(self, *args: Any, hall: Hall, screen: Screen | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: dict[str, Any] = {
            "zone": HallZone.objects.filter(hall=hall),
            "window": Window.objects.filter(hall=hall).order_by("number"),
            "halls": Hall.objects.filter(region_id=hall.region_id).exclude(pk=hall.pk).order_by("code"),
        }
        for name, rows in choices.items():
            self.fields[name].queryset = rows  # type: ignore[attr-defined]
        if not choices["halls"].exists():
            del self.fields["halls"]
        if screen is None:
            return
        del self.fields["code"]
        for name in self.fields:
            self.initial.setdefault(name, screen.halls.all() if name == "halls" else getattr(screen, name))


class NoticeForm(forms.Form):
    title = forms.CharField(label=gettext_lazy("标题"), max_length=60, **required(gettext_lazy("请填写标题。")))
    text = forms.CharField(
        label=gettext_lazy("内容"),
        max_length=600,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("屏幕上要远远看得清，最好不超过 80 个字。"),
        **required(gettext_lazy("请填写内容。")),
    )
    kind = forms.ChoiceField(label=gettext_lazy("种类"), choices=Notice.Kind.choices)
    hall = forms.ModelChoiceField(
        label=gettext_lazy("在哪个大厅"),
        queryset=Hall.objects.none(),
        required=False,
        empty_label=gettext_lazy("全部大厅"),
    )
    windows = forms.ModelMultipleChoiceField(
        label=gettext_lazy("只在这些窗口"),
        queryset=Window.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("都不选：大厅屏上都有；政策宣传还会在每个窗口屏上。"),
    )
    from_day = forms.DateField(label=gettext_lazy("从哪天起"), widget=_Day())
    until_day = forms.DateField(label=gettext_lazy("到哪天止"), widget=_Day())
    seconds = forms.IntegerField(label=gettext_lazy("每次显示几秒"), min_value=5, max_value=120, initial=15)
    position = forms.IntegerField(label=gettext_lazy("排第几"), min_value=0, max_value=999, initial=0)

    def __init__(self, *args: Any, request: StaffRequest, notice: Notice | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        halls = [hall.pk for hall in queries.halls_for(request.staff)]
        self.fields["hall"].queryset = Hall.objects.filter(pk__in=halls).order_by("code")  # type: ignore[attr-defined]
        windows = Window.objects.filter(hall__in=halls).order_by("hall__code", "number")
        self.fields["windows"].queryset = windows  # type: ignore[attr-defined]
        today = timezone.localdate()
        self.initial.setdefault("from_day", today)
        self.initial.setdefault("until_day", today + timedelta(days=30))
        if notice is not None:
            for name in self.fields:
                self.initial[name] = notice.windows.all() if name == "windows" else getattr(notice, name)


def _checked(form: forms.Form) -> dict[str, Any]:
    if not form.is_valid():
        raise Stay(form=form)
    return form.cleaned_data


def _halls(request: StaffRequest) -> list[Hall]:
    return queries.halls_for(request.staff)


def _hall(request: StaffRequest, pk: UUID) -> Hall:
    hall = next((one for one in _halls(request) if one.pk == pk), None)
    if hall is None:
        raise Http404
    return hall


def _screen(request: StaffRequest, pk: UUID) -> Screen:
    return get_object_or_404(reads.screens_for(request.staff, _halls(request)), pk=pk)


def _notice(request: StaffRequest, pk: UUID) -> Notice:
    return get_object_or_404(Notice.objects.prefetch_related("windows"), pk=pk, region_id=request.staff.region_id)


def _list(request: StaffRequest, *args: Any, refused: str = "", **context: Any) -> HttpResponse:
    halls = _halls(request)
    found = list(reads.screens_for(request.staff, halls))
    rows = [(hall, [one for one in found if one.hall_id == hall.pk]) for hall in halls]
    loud = {hall.pk: sum(one.speaks and one.is_on for one in own) for hall, own in rows}
    values = {"rows": rows, "loud": loud, "refused": refused}
    return render(request, "workbench/screens/list.html", values)


@staff_page("hall.manage")
@require_safe
def overview(request: StaffRequest) -> HttpResponse:
    """The screens, hall by hall."""
    return _list(request)


def _form(
    request: StaffRequest,
    hall: Hall,
    screen: Screen | None,
    *,
    form: ScreenForm | None = None,
    refused: str = "",
) -> HttpResponse:
    address = f"{settings.BASE_URL}{reverse('display:screen', args=[screen.code])}" if screen else ""
    values = {
        "hall": hall,
        "screen": screen,
        "address": address,
        "form": form or ScreenForm(request.POST or None, hall=hall, screen=screen),
        "refused": refused,
    }
    return render(request, "workbench/screens/form.html", values)


@staff_page("hall.manage")
@require_http_methods(OPENS)
def new(request: StaffRequest, hall_id: UUID) -> HttpResponse:
    return _set_up(request, hall_id) if request.method == "POST" else _new_form(request, hall_id)


def _new_form(request: StaffRequest, hall_id: UUID, **context: Any) -> HttpResponse:
    return _form(request, _hall(request, hall_id), None, **context)


@keyed("hall.set_up_screen", stay=_new_form)
def _set_up(request: StaffRequest, hall_id: UUID) -> Done:
    hall = _hall(request, hall_id)
    said = _checked(ScreenForm(request.POST, hall=hall))
    screen = screens.set_up_screen(hall, by=request.staff, at=timezone.now(), **said)
    return Done(reverse("workbench:screen", args=[screen.pk]), _("%(name)s设好了。") % {"name": screen.name})


@staff_page("hall.manage")
@require_http_methods(OPENS)
def page(request: StaffRequest, pk: UUID) -> HttpResponse:
    """One screen: its address and QR code, and everything it can be told."""
    return _change(request, pk) if request.method == "POST" else _page(request, pk)


def _page(request: StaffRequest, pk: UUID, **context: Any) -> HttpResponse:
    screen = _screen(request, pk)
    return _form(request, screen.hall, screen, **context)


@keyed("hall.change_screen", stay=_page)
def _change(request: StaffRequest, pk: UUID) -> Done:
    screen = _screen(request, pk)
    said = _checked(ScreenForm(request.POST, hall=screen.hall, screen=screen))
    screens.change_screen(screen.pk, by=request.staff, at=timezone.now(), **said)
    return Done(reverse("workbench:screen", args=[pk]), _("改好了，屏幕马上跟着变。"))


@staff_page("hall.manage")
@require_POST
@keyed("hall.switch_screen", stay=_list)
def switch(request: StaffRequest, pk: UUID) -> Done:
    """on: 1 or 0."""
    screen = screens.switch_screen(
        _screen(request, pk).pk, request.POST.get("on") == "1", by=request.staff, at=timezone.now()
    )
    message = _("%(name)s开了。") if screen.is_on else _("%(name)s关了，打开它的网址会看不到。")
    return Done(reverse("workbench:screens"), message % {"name": screen.name})


def _notices(request: StaffRequest, *args: Any, refused: str = "", **context: Any) -> HttpResponse:
    found = Paginator(reads.notices_for(request.staff), PAGE).get_page(request.GET.get("page"))
    values = {"page": found, "today": timezone.localdate(), "refused": refused}
    return render(request, "workbench/screens/notices.html", values)


@staff_page("hall.manage")
@require_safe
def notice_list(request: StaffRequest) -> HttpResponse:
    """All notices, those that run first."""
    return _notices(request)


def _notice_form(
    request: StaffRequest, pk: UUID | None = None, *, form: NoticeForm | None = None, refused: str = ""
) -> HttpResponse:
    notice = _notice(request, pk) if pk else None
    values = {
        "notice": notice,
        "form": form or NoticeForm(request.POST or None, request=request, notice=notice),
        "refused": refused,
    }
    return render(request, "workbench/screens/notice.html", values)


@staff_page("hall.manage")
@require_http_methods(OPENS)
def new_notice(request: StaffRequest) -> HttpResponse:
    return _post_notice(request) if request.method == "POST" else _notice_form(request)


@keyed("hall.post_notice", stay=_notice_form)
def _post_notice(request: StaffRequest) -> Done:
    said = _checked(NoticeForm(request.POST, request=request))
    notice = notices.post_notice(request.staff.region, by=request.staff, at=timezone.now(), **said)
    return Done(reverse("workbench:notices"), _("“%(title)s”发出去了，屏幕上马上有。") % {"title": notice.title})


@staff_page("hall.manage")
@require_http_methods(OPENS)
def notice_page(request: StaffRequest, pk: UUID) -> HttpResponse:
    return _change_notice(request, pk) if request.method == "POST" else _notice_form(request, pk)


@keyed("hall.change_notice", stay=_notice_form)
def _change_notice(request: StaffRequest, pk: UUID) -> Done:
    notice = _notice(request, pk)
    said = _checked(NoticeForm(request.POST, request=request, notice=notice))
    notices.change_notice(notice.pk, by=request.staff, at=timezone.now(), **said)
    return Done(reverse("workbench:notices"), _("“%(title)s”改好了。") % {"title": said["title"]})


@staff_page("hall.manage")
@require_POST
@keyed("hall.end_notice", stay=_notices)
def end_notice(request: StaffRequest, pk: UUID) -> Done:
    notice = notices.end_notice(_notice(request, pk).pk, by=request.staff, at=timezone.now())
    return Done(reverse("workbench:notices"), _("“%(title)s”撤下了。") % {"title": notice.title})


urlpatterns = [
    path("hall/screens", overview, name="screens"),
    path("hall/<uuid:hall_id>/screens/new", new, name="screen-new"),
    path("hall/screens/<uuid:pk>", page, name="screen"),
    path("hall/screens/<uuid:pk>/switch", switch, name="screen-switch"),
    path("hall/notices", notice_list, name="notices"),
    path("hall/notices/new", new_notice, name="notice-new"),
    path("hall/notices/<uuid:pk>", notice_page, name="hall-notice"),
    path("hall/notices/<uuid:pk>/end", end_notice, name="notice-end"),
]
