"""Logging in: staff only; accounts are made by an administrator, nobody signs up."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.views import AccountInactiveView, LoginView
from django.http import HttpRequest
from django.urls import reverse

from yimen.people.models import User


class Adapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        user = request.user
        if isinstance(user, User) and user.must_change_password:
            return reverse("account_change_password")
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
