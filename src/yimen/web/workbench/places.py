"""The centre with its branches, departments and their posts: what the system administrator keeps."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from yimen.people import actions
from yimen.people.models import Department, ServiceCenter
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench.adding import CODE_HINT, form_page, required
from yimen.web.workbench.cases import CappedPaginator
from yimen.web.workbench.guard import StaffRequest, staff_page

PAGE = 20
OPENS = ["GET", "HEAD", "POST"]


class CenterForm(forms.Form):
    parent = forms.ModelChoiceField(
        label=gettext_lazy("是哪个中心的分中心"),
        queryset=ServiceCenter.objects.none(),
        required=False,
        empty_label=gettext_lazy("不是分中心"),
    )
    name = forms.CharField(label=gettext_lazy("名称"), max_length=80, **required(gettext_lazy("请填写名称。")))
    code = forms.CharField(
        label=gettext_lazy("代号"), max_length=20, help_text=CODE_HINT, **required(gettext_lazy("请填写代号。"))
    )
    letters = forms.CharField(
        label=gettext_lazy("编号开头"),
        max_length=4,
        help_text=gettext_lazy("1 到 4 个英文字母，群众看到的办件编号用它开头，例如 QH。"),
        **required(gettext_lazy("请填写编号开头。")),
    )
    address = forms.CharField(label=gettext_lazy("地址"), max_length=160, **required(gettext_lazy("请填写地址。")))
    hours = forms.CharField(
        label=gettext_lazy("办公时间"), max_length=120, **required(gettext_lazy("请填写办公时间。"))
    )
    phone = forms.CharField(label=gettext_lazy("电话"), max_length=40, **required(gettext_lazy("请填写电话。")))

    def __init__(self, *args: Any, region: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mains = ServiceCenter.objects.filter(region_id=region, parent=None).order_by("name")
        self.fields["parent"].queryset = mains  # type: ignore[attr-defined]
        self.initial.setdefault("parent", mains.first())


class DepartmentForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("全称"),
        max_length=120,
        help_text=gettext_lazy("文书落款用，和公章一致。"),
        **required(gettext_lazy("请填写部门名称。")),
    )
    short_name = forms.CharField(label=gettext_lazy("简称"), max_length=20, required=False)
    code = forms.CharField(
        label=gettext_lazy("代号"), max_length=20, help_text=CODE_HINT, **required(gettext_lazy("请填写代号。"))
    )
    uscc = forms.CharField(label=gettext_lazy("统一社会信用代码"), max_length=18, required=False)
    phone = forms.CharField(label=gettext_lazy("咨询电话"), max_length=80, required=False)
    is_resident = forms.BooleanField(label=gettext_lazy("进驻大厅"), required=False)
    is_bureau = forms.BooleanField(label=gettext_lazy("是行政审批服务局"), required=False)


class PostForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("岗位名称"),
        max_length=60,
        help_text=gettext_lazy("群众看到的是岗位，不是人名。"),
        **required(gettext_lazy("请填写岗位名称。")),
    )
    duties = forms.CharField(
        label=gettext_lazy("职责"), max_length=1000, required=False, widget=forms.Textarea({"rows": 3})
    )


def _checked(form: forms.Form) -> dict[str, Any]:
    if not form.is_valid():
        raise Stay(form=form)
    return form.cleaned_data


@staff_page("people.manage")
@require_safe
def places(request: StaffRequest) -> HttpResponse:
    region = request.staff.region
    centers = ServiceCenter.objects.filter(region=region).select_related("parent")
    departments = Department.objects.filter(region=region).annotate(
        post_count=Count("posts", distinct=True), staff_count=Count("staff", distinct=True)
    )
    context = {
        "region": region,
        "centers": sorted(centers, key=lambda one: (one.parent_id is not None, one.name)),
        "page": CappedPaginator(departments.order_by("name", "pk"), PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "workbench/places/list.html", context)


@staff_page("people.manage")
@require_http_methods(OPENS)
def new_center(request: StaffRequest) -> HttpResponse:
    return _open_center(request) if request.method == "POST" else _center_form(request)


def _center_form(request: StaffRequest, *, form: CenterForm | None = None, refused: str = "") -> HttpResponse:
    return form_page(
        request,
        form or CenterForm(request.POST or None, region=request.staff.region_id),
        heading=_("加一个中心或分中心"),
        word=_("加这个中心"),
        back=reverse("workbench:places"),
        parent=_("机构"),
        refused=refused,
    )


@keyed("people.open_center", stay=_center_form)
def _open_center(request: StaffRequest) -> Done:
    said = _checked(CenterForm(request.POST, region=request.staff.region_id))
    center = actions.open_center(region=request.staff.region, by=request.staff, at=timezone.now(), **said)
    return Done(reverse("workbench:places"), _("%(name)s加好了。") % {"name": center.name})


@staff_page("people.manage")
@require_http_methods(OPENS)
def new_department(request: StaffRequest) -> HttpResponse:
    return _open_department(request) if request.method == "POST" else _department_form(request)


def _department_form(request: StaffRequest, *, form: DepartmentForm | None = None, refused: str = "") -> HttpResponse:
    return form_page(
        request,
        form or DepartmentForm(request.POST or None),
        heading=_("加一个部门"),
        word=_("加这个部门"),
        back=reverse("workbench:places"),
        parent=_("机构"),
        refused=refused,
    )


@keyed("people.open_department", stay=_department_form)
def _open_department(request: StaffRequest) -> Done:
    said = _checked(DepartmentForm(request.POST))
    department = actions.open_department(region=request.staff.region, by=request.staff, at=timezone.now(), **said)
    message = _("%(name)s加好了，接着加岗位。") % {"name": department.name}
    return Done(reverse("workbench:department", args=[department.pk]), message)


def _department_page(
    request: StaffRequest, pk: UUID, *, form: PostForm | None = None, refused: str = ""
) -> HttpResponse:
    department = get_object_or_404(Department, pk=pk, region_id=request.staff.region_id)
    context = {
        "department": department,
        "posts": department.posts.annotate(staff_count=Count("staff")).order_by("name"),
        "form": form or PostForm(request.POST or None),
        "refused": refused,
    }
    return render(request, "workbench/places/department.html", context)


@staff_page("people.manage")
@require_http_methods(OPENS)
def department(request: StaffRequest, pk: UUID) -> HttpResponse:
    """A department with its posts; a POST adds one."""
    return _open_post(request, pk) if request.method == "POST" else _department_page(request, pk)


@keyed("people.open_post", stay=_department_page)
def _open_post(request: StaffRequest, pk: UUID) -> Done:
    found = get_object_or_404(Department, pk=pk, region_id=request.staff.region_id)
    said = _checked(PostForm(request.POST))
    post = actions.open_post(found, by=request.staff, at=timezone.now(), **said)
    return Done(reverse("workbench:department", args=[pk]), _("%(name)s加好了。") % {"name": post.name})


urlpatterns = [
    path("places", places, name="places"),
    path("places/centers/new", new_center, name="center-new"),
    path("places/departments/new", new_department, name="department-new"),
    path("places/departments/<uuid:pk>", department, name="department"),
]
