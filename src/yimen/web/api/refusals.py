"""How a refusal of the rules looks in the API."""

import re

from django.http import HttpResponse

from yimen.web.errors import api_error

_STATUS = {"NotAllowed": 403, "DifferentBody": 422, "KeyTooLong": 422}


def answer(name: str, message: str) -> HttpResponse:
    """
    Return the answer for a DomainError by the name of its class: 409, unless it says who may or what was sent.

    SeriesClosed becomes the code series_closed.
    """
    code = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return api_error(_STATUS.get(name, 409), code, message)
