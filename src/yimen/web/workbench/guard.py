"""Who gets into the workbench: staff with a login, a changed first password and the right for the page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render

from yimen.people import access
from yimen.people.models import Staff, User

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


class StaffRequest(HttpRequest):
    """A request that came through `staff_page`."""

    staff: Staff


def staff_page(*permissions: str) -> Callable[[View], View]:
    """
    Let staff in who hold one of `permissions` (none named: any staff); the view finds them as request.staff.

    Others: to the login; to their new password; a kind page for a login without a post; 403 without the right.
    """

    def wrap(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            user = request.user
            if not isinstance(user, User):
                return redirect_to_login(request.get_full_path() if request.method == "GET" else "/workbench/")
            if user.must_change_password:
                return redirect("account_change_password")
            staff = getattr(user, "staff", None)
            if not isinstance(staff, Staff):
                return render(request, "workbench/no_post.html", status=403)
            if permissions and not any(access.allowed(staff, permission) for permission in permissions):
                raise PermissionDenied
            request.staff = staff  # type: ignore[attr-defined]
            return view(request, *args, **kwargs)

        return cast(View, guarded)

    return wrap


def posted_id(request: HttpRequest, name: str) -> UUID:
    """Return the id a form names; 404 for what is not one."""
    try:
        return UUID(request.POST.get(name, ""))
    except ValueError:
        raise Http404 from None


def posted_ids(request: HttpRequest, name: str) -> list[UUID]:
    """Return the ids a form names, empty choices left out; 404 for what is not one."""
    try:
        return [UUID(value) for value in request.POST.getlist(name) if value]
    except ValueError:
        raise Http404 from None


def posted_text(request: HttpRequest, name: str) -> str:
    """Return what was typed, without the character no database takes."""
    return request.POST.get(name, "").replace("\x00", "")
