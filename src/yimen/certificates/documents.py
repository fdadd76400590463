"""The certificate as PDF/A, drawn from what was frozen when it was issued: the same bytes every time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.timezone import localdate, localtime

from yimen.certificates.models import Certificate
from yimen.lib import pdf
from yimen.lib.dates import long_day


def render(certificate: Certificate, *, eseal: Mapping[str, Any] | None = None) -> bytes:
    """
    Return the certificate (CERT-2: the PDF view of it).

    eseal: name, date and is_demo of the electronic seal that will be put on; None leaves the space for the stamp.
    """
    until = long_day(certificate.valid_until) if certificate.valid_until else "长期"
    data = {
        "title": certificate.name,
        "number": certificate.number,
        "organ": certificate.data["organ"],
        "holder": certificate.data["holder"],
        "item": certificate.data["item"],
        "rows": certificate.data.get("rows", []),
        "valid": f"{long_day(certificate.valid_from)}至{until}" if certificate.valid_until else "长期有效",
        "date": long_day(localdate(certificate.issued_at)),
        "verify_code": certificate.verify_code,
        "verify_url": settings.BASE_URL + reverse("portal:verify", args=[certificate.verify_code]),
        "issued_at": localtime(certificate.issued_at).isoformat(),
        "eseal": eseal,
    }
    return pdf.render("certificates/typst/certificate.typ", data)
