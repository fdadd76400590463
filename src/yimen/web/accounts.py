"""Logging in: staff, whose accounts an administrator makes, and citizens, who sign up (portal/account.py)."""

from abc import ABC, abstractmethod
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.views import AccountInactiveView, LoginView
from allauth.mfa.base.views import AuthenticateView, ReauthenticateView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from yimen.people import second_factor
from yimen.people.models import User


class Adapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        user = request.user
        if isinstance(user, User) and user.must_change_password:
            return reverse("account_change_password")
        if isinstance(user, User) and not hasattr(user, "staff"):
            return reverse("portal:my")
        return super().get_login_redirect_url(request)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return super().get_login_redirect_url(request)

    def set_password(self, user: User, password: str) -> None:
        user.set_password(password)
        user.must_change_password = False
        user.save(update_fields=["password", "must_change_password"])

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """No mail leaves the platform; what happened to an account is in the ledger."""


class OurSite:
    """allauth gives its pages Django's `site`, which would hide ours (context.site)."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        values: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]
        values.pop("site", None)
        return values


class Login(OurSite, LoginView):
    pass


class Inactive(OurSite, AccountInactiveView):
    pass


class LimitedCodes(ABC):
    """Only so many wrong second-factor codes in a row, then nothing is looked at for the time passwords wait too."""

    @abstractmethod
    def code_of(self) -> User:
        """Whose code it is."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        user, now = self.code_of(), timezone.now()
        left = second_factor.begin_try(user, at=now)
        if left is None:
            return self._locked(request)
        response: HttpResponse = super().post(request, *args, **kwargs)  # type: ignore[misc]
        if response.status_code == 302:
            second_factor.passed(user)
            return response
        second_factor.failed(user, at=now)
        return response if left else self._locked(request)

    def _locked(self, request: HttpRequest) -> HttpResponse:
        return render(request, "account/locked.html", {"second_factor": True}, status=429)


class SecondFactor(LimitedCodes, AuthenticateView):
    def code_of(self) -> User:
        user: User = self.stage.login.user
        return user


class SecondFactorAgain(LimitedCodes, ReauthenticateView):
    def code_of(self) -> User:
        assert isinstance(self.request.user, User)  # the page is for those logged in
        return self.request.user
