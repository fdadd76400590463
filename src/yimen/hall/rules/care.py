"""Who is offered special care: pure functions (HALL-25)."""

from __future__ import annotations

from datetime import date

OLD_FROM = 65  # years; kiosk and desk offer care from here on (S0-29)


def age_on(birth_on: date, day: date) -> int:
    """Return the age in full years; somebody born on 29 February has his birthday on 1 March in other years."""
    return day.year - birth_on.year - ((day.month, day.day) < (birth_on.month, birth_on.day))


def offers_care(birth_on: date, day: date) -> bool:
    """Tell whether a person of this age is asked if he wants to be looked after as an old person."""
    return age_on(birth_on, day) >= OLD_FROM
