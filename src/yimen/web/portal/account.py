"""Citizens' accounts: signing up, being believed by a case of one's own, and who gets into the pages that are mine."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.contrib.auth import login
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from yimen.cases import queries
from yimen.cases.actions import applying
from yimen.lib.errors import DomainError
from yimen.people import citizens, identity
from yimen.people.models import Account, Applicant, User
from yimen.web import context
from yimen.web.limits import Limit
from yimen.web.once import Done, Stay, keyed
from yimen.web.portal import kept

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
# Signing up hashes a password and writes rows; a hall of visitors may share one address.
_SIGN_UPS = Limit(20)
OFFERED = ["GET", "HEAD", "POST"]


class CitizenRequest(HttpRequest):
    """A request that came through `citizen_page`."""

    applicant: Applicant


def citizen_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """
    Let applicants with an account in; the view finds theirs as request.applicant.

    Others go to the login and come back; what they had typed is kept (kept.keep). Scripts are told 401. Staff are told
    kindly that their own matters want an account of their own.
    """

    @wraps(view)
    @never_cache
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        user = request.user
        if not isinstance(user, User):
            if request.headers.get("X-Requested-With") == "fetch":
                return JsonResponse({"error": _("登录过期了，请重新登录，您填的都还在。")}, status=401)
            if request.method in {"GET", "HEAD"}:
                return redirect_to_login(request.get_full_path())
            return redirect_to_login(kept.keep(request) or reverse("portal:my"))
        if user.must_change_password:
            return redirect("account_change_password")
        applicant = getattr(user, "applicant", None)
        if not isinstance(applicant, Applicant):
            return render(request, "portal/my_none.html", status=403)
        request.applicant = applicant  # type: ignore[attr-defined]
        return view(request, *args, **kwargs)

    return guarded


class SignUpForm(forms.Form):
    """Who signs up; numbers are judged here so that each mistake stands at its field."""

    kind = forms.ChoiceField(
        label=gettext_lazy("谁来办"), choices=Applicant.Kind.choices, initial="person", widget=forms.RadioSelect
    )
    name = forms.CharField(
        label=gettext_lazy("姓名或名称"),
        max_length=120,
        help_text=gettext_lazy("和证件上一样"),
        error_messages={"required": gettext_lazy("还没填姓名或名称")},
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    id_number = forms.CharField(
        label=gettext_lazy("证件号码"),
        max_length=30,
        help_text=gettext_lazy("个人填身份证号码，单位填统一社会信用代码；加密保存，别人看不到"),
        error_messages={"required": gettext_lazy("还没填证件号码")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )
    phone = forms.CharField(
        label=gettext_lazy("手机号"),
        max_length=30,
        help_text=gettext_lazy("有事找您用，也用来查进度"),
        error_messages={"required": gettext_lazy("还没填手机号")},
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel"}),
    )
    username = forms.CharField(
        label=gettext_lazy("登录名"),
        max_length=40,
        help_text=gettext_lazy("自己起，好记就行，也可以用手机号"),
        error_messages={"required": gettext_lazy("还没起登录名")},
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )
    password = forms.CharField(
        label=gettext_lazy("密码"),
        max_length=128,
        strip=False,
        help_text=gettext_lazy("至少 10 位，不要全是数字"),
        error_messages={"required": gettext_lazy("还没设密码")},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean_phone(self) -> str:
        try:
            return identity.check_phone(self.cleaned_data["phone"])
        except identity.InvalidIdentity as error:
            raise forms.ValidationError(str(error)) from error

    def clean_id_number(self) -> str:
        number = str(self.cleaned_data["id_number"]).strip().upper()
        try:
            if self.cleaned_data.get("kind") == Applicant.Kind.FIRM:
                identity.check_credit_code(number)
            else:
                identity.check_resident_id(number, today=timezone.localdate())
        except identity.InvalidIdentity as error:
            raise forms.ValidationError(str(error)) from error
        return number


def sign_up_page(request: HttpRequest, *, form: SignUpForm | None = None, refused: str = "") -> HttpResponse:
    posted = request.POST if request.method == "POST" else None
    form = form or SignUpForm(posted)
    if refused:
        form.is_valid()
        form.add_error(None, refused)
    return render(request, "portal/sign_up.html", {"form": form, "next": _next(request)})


@never_cache
@require_http_methods(OFFERED)
def sign_up(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return redirect("portal:my") if isinstance(request.user, User) else sign_up_page(request)
    if not _SIGN_UPS.allows(request.META["REMOTE_ADDR"]):
        response = sign_up_page(request, refused=_("刚才注册的人太多，请过一分钟再试。您填的都还在。"))
        response.status_code = 429
        return response
    return _sign_up(request)


@keyed("people.sign_up", stay=sign_up_page)
def _sign_up(request: HttpRequest) -> Done:
    if isinstance(request.user, User):
        return Done(reverse("portal:my"))
    form = SignUpForm(request.POST)
    if not form.is_valid():
        raise Stay(form=form)
    try:
        account = citizens.sign_up(region=context.center().region, at=timezone.now(), **form.cleaned_data)
    except citizens.BadAccount as error:
        form.add_error(error.field, str(error))
        raise Stay(form=form) from error
    except citizens.AccountTaken as error:
        form.add_error("username", str(error))
        raise Stay(form=form) from error
    login(request, account.user, backend=BACKEND)
    return Done(_next(request) or reverse("portal:my"), _("注册好了，已经替您登录。"))


def _next(request: HttpRequest) -> str:
    """Where he came from: only addresses of drafts and guides here."""
    address = request.POST.get("next", request.GET.get("next", ""))
    return address if address.startswith(("/items/", "/my")) and "//" not in address and "\\" not in address else ""


class ProveForm(forms.Form):
    number = forms.CharField(
        label=gettext_lazy("办件编号"),
        max_length=40,
        help_text=gettext_lazy("随便哪一件，在收件凭证上，像 QH-261118-00417"),
        error_messages={"required": gettext_lazy("还没填办件编号")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )
    phone = forms.CharField(
        label=gettext_lazy("那一次留的手机号"),
        max_length=30,
        error_messages={"required": gettext_lazy("还没填手机号")},
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel"}),
    )


@citizen_page
@require_http_methods(OFFERED)
def prove(request: CitizenRequest) -> HttpResponse:
    """
    One case of his proves who he is; the window does so by its own page (workbench/accounts.py).

    Not keyed: an account is believed once, and a wrong guess must count although nothing else happens.
    """
    account = citizens.account_of(request.user)  # type: ignore[arg-type]
    form = ProveForm(request.POST or None)
    status = 200
    if request.method == "POST" and account is not None:
        status = 422
        if form.is_valid():
            try:
                applying.prove_by_case(
                    account, **form.cleaned_data, asker=request.META["REMOTE_ADDR"], at=timezone.now()
                )
            except DomainError as error:
                form.add_error(None, str(error))
                status = 429 if isinstance(error, queries.TooManyTries) else 422
            else:
                return redirect("portal:my")
    values = {"form": form, "account": account, "is_checked": account and account.level == Account.Level.CHECKED}
    return render(request, "portal/prove.html", values, status=status)


urlpatterns = [
    path("my/sign-up", sign_up, name="sign-up"),
    path("my/prove", prove, name="prove"),
]
