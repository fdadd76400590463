"""What the SMS gateway tells us: its receipts, signed with the key it shares with us (docs/notify.md)."""

from __future__ import annotations

import json
from uuid import UUID

from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from yimen.notify import sms

MOST_RECEIPTS = 500


@csrf_exempt
@require_POST
def receipts(request: HttpRequest) -> JsonResponse:
    """
    {"receipts": [{"id", "status": "delivered" | "failed", "why"}…]}; the answer says how many were news.

    Not keyed: a receipt told again changes nothing. No cookie counts here, the signature does.
    """
    at = timezone.now()
    try:
        sms.check_signature(request.headers.get("Yimen-Signature", ""), request.body, at=at)
    except sms.BadReceipt as error:
        return JsonResponse({"error": str(error)}, status=401)
    try:
        rows = json.loads(request.body)["receipts"][:MOST_RECEIPTS]
        told = [(UUID(str(row["id"])), str(row["status"]), str(row.get("why", ""))) for row in rows]
    except (ValueError, TypeError, KeyError, AttributeError):
        return JsonResponse({"error": _("回执的格式不对，请看接口说明。")}, status=422)
    try:
        news = sum(sms.receipt(pk, status, why=why, at=at) for pk, status, why in told)
    except sms.BadReceipt as error:
        return JsonResponse({"error": str(error)}, status=422)
    return JsonResponse({"news": news})
