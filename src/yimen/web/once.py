"""
Forms that count once, however often they are sent (REL-6).

A form carries the hidden field of {% once_key %}. What the first one did is kept with the act, and every repeat is
led to the same place with the same message.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from yimen.ledger.actions import PUBLIC, Actor
from yimen.ledger.once import MOST_KEY_CHARACTERS, Answer, DifferentBody, once
from yimen.people.models import Applicant, Staff, User

KEY = "_key"
NOT_IN_BODY = {KEY, "csrfmiddlewaretoken"}


@dataclass(frozen=True)
class Done:
    """The act is done: where to go now, and what to say there."""

    location: str
    message: str = ""


class Stay(Exception):
    """
    What was typed cannot be an act yet: undo everything, keep the key free, show the form again.

    context goes to the page that shows the form.
    """

    def __init__(self, **context: Any) -> None:
        super().__init__()
        self.context = context


Act = Callable[..., Done]
Page = Callable[..., HttpResponse]


def keyed(act: str, *, stay: Page) -> Callable[[Act], Page]:
    """
    Make a view of a function that does one act and returns Done.

    The act runs once per (actor, act, `_key`, body) in one transaction; a repeat gets the same redirect and message.
    stay: the page with the form, called with the same arguments and `refused` (the sentence of a DomainError) or
    the context of Stay; it shows what was typed. Status 422 for what must be corrected, 403 and 409 for a refusal.
    """

    def wrap(do: Act) -> Page:
        @wraps(do)
        def view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            key = key_of(request)
            if not key or len(key) > MOST_KEY_CHARACTERS:
                raise BadRequest("a form without its key")

            def produce() -> Answer:
                done = do(request, *args, **kwargs)
                return Answer(303, {"location": done.location, "message": done.message})

            try:
                answer = once(act, key, by=actor_of(request), at=timezone.now(), body=body_of(request), produce=produce)
            except DifferentBody as error:
                return different_body(request, error)
            except Stay as again:
                return with_status(stay(request, *args, **{**kwargs, **again.context}), 422)
            if answer.status != 303:
                status = 403 if answer.body["code"] == "NotAllowed" else answer.status
                return with_status(stay(request, *args, **kwargs, refused=answer.body["error"]), status)
            if answer.body["message"]:
                messages.success(request, answer.body["message"])
            return HttpResponseRedirect(answer.body["location"], status=303)

        return view

    return wrap


def key_of(request: HttpRequest) -> str:
    """The hidden key of the form; empty for none."""
    return request.POST.get(KEY, "")


def actor_of(request: HttpRequest) -> Actor:
    """Whoever asks: the staff member or the applicant logged in, else the public."""
    user = request.user
    for name in ("staff", "applicant"):
        somebody = getattr(user, name, None) if isinstance(user, User) else None
        if isinstance(somebody, Staff | Applicant):
            return somebody
    return PUBLIC


def body_of(request: HttpRequest) -> bytes:
    """
    Return what makes two submissions the same: the address with its query and every field but the key and
    the CSRF token.

    Keyed with our secret, so that what is stored says nothing about what was typed.
    """
    fields = sorted(
        (name, value) for name, values in request.POST.lists() if name not in NOT_IN_BODY for value in values
    )
    text = f"{request.get_full_path()}\n{urlencode(fields)}".encode()
    return hmac.digest(settings.SECRET_KEY.encode(), text, hashlib.sha256)


def different_body(request: HttpRequest, error: DifferentBody) -> HttpResponse:
    """422: the same key with other contents; the way back is a fresh form."""
    again = request.META.get("HTTP_REFERER", "")
    if not url_has_allowed_host_and_scheme(again, allowed_hosts={request.get_host()}):
        again = "/"
    return render(request, "errors/422.html", {"refused": str(error), "again": again}, status=422)


def with_status(response: HttpResponse, status: int) -> HttpResponse:
    response.status_code = status
    return response
