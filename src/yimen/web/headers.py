"""What every response says to the browser."""

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ]
)
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer", "autoplay", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer",
        "microphone", "midi", "payment", "serial", "usb",
    )
)  # fmt: skip


def protect(request: HttpRequest, response: HttpResponseBase) -> None:
    """
    Set the security headers a response does not have yet.

    A page seen with a session, or any API answer, is not stored anywhere; other pages may be kept but must be
    asked for again, so that going back keeps what was typed.
    """
    response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("X-Frame-Options", "DENY")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    if "Cache-Control" not in response.headers:
        session = settings.SESSION_COOKIE_NAME
        is_personal = (
            session in request.COOKIES or session in response.cookies or request.path.startswith("/api/")
        ) or request.method not in {"GET", "HEAD"}
        response.headers["Cache-Control"] = "no-store" if is_personal else "private, no-cache"
