"""Taking a number by phone: how near is near, and where one stands after asking for more minutes. Pure functions."""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt

EARTH_METRES = 6_371_000.0
# What a phone may be wrong by, in metres, and still count: indoors they are.
MOST_DOUBT = 500.0
# How many people one lets go first by "I need more minutes" (S: once a ticket).
PUT_OFF_PLACES_KEY, PUT_OFF_PLACES = "queue_put_off_places", 3


def metres_between(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Metres between two places on a sphere; coordinates in degrees."""
    north, other_north = radians(latitude), radians(other_latitude)
    half = (
        sin((other_north - north) / 2) ** 2
        + cos(north) * cos(other_north) * sin(radians(other_longitude - longitude) / 2) ** 2
    )
    return 2 * EARTH_METRES * asin(sqrt(min(1.0, half)))


def is_near(distance: float, radius: float, doubt: float = 0.0) -> bool:
    """
    Tell whether somebody `distance` metres away counts as within `radius` metres.

    doubt: the metres his phone says it may be wrong by; at most MOST_DOUBT of it in his favour.
    """
    return distance - min(max(doubt, 0.0), MOST_DOUBT) <= radius


def same_code(typed: str, code: str) -> bool:
    """Tell whether what was typed is the code at the door; case and blanks do not matter, an empty code never fits."""
    wanted, given = ("".join(text.upper().split()).replace("-", "") for text in (code, typed))
    return bool(wanted) and wanted == given
