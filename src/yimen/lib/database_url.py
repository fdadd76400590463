"""Database addresses: postgresql://user:password@host:port/name, also with a socket folder as ?host=."""

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def parse(url: str) -> dict[str, Any]:
    """
    Return Django's NAME, USER, PASSWORD, HOST and PORT for `url`.

    Raises ImproperlyConfigured for anything but a PostgreSQL address; the password never appears in the message.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ImproperlyConfigured("The database address cannot be read: check its port and brackets.") from None
    name = parts.path.lstrip("/")
    if parts.scheme not in {"postgres", "postgresql"} or not name:
        raise ImproperlyConfigured("The database address must look like postgresql://user:password@host:5432/name.")
    return {
        "NAME": unquote(name),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parse_qs(parts.query).get("host", [parts.hostname or ""])[0],
        "PORT": str(port or ""),
    }
