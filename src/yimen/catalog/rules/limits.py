"""Limits of different units compared, and which of two limits stands (LAW-26)."""

from yimen.lib.workdays import Limit, Unit

# The fewest and the most days a limit of n can last; only used to compare limits in different units.
_FEWEST = {Unit.WORKDAY: 1.0, Unit.DAY: 1.0, Unit.HOUR: 1 / 24, Unit.MONTH: 28.0}
_MOST = {Unit.WORKDAY: 2.0, Unit.DAY: 1.0, Unit.HOUR: 1 / 24, Unit.MONTH: 31.0}
_LONGEST_HOLIDAY = 10


def is_longer(promised: Limit, statutory: Limit) -> bool:
    """
    Tell whether a promise breaks the law's limit (LAW-26): always decided in one unit; between units only when
    the promise is certainly longer, whatever the calendar.
    """
    if promised.unit == statutory.unit:
        return promised.number > statutory.number
    roll = 0 if statutory.unit == Unit.HOUR else _LONGEST_HOLIDAY
    return promised.number * _FEWEST[promised.unit] > statutory.number * _MOST[statutory.unit] + roll


def working_days_in(limit: Limit) -> int:
    """Return the working days a flow may take under `limit`; an upper bound for limits not in working days."""
    match limit.unit:
        case Unit.WORKDAY | Unit.DAY:
            return limit.number
        case Unit.HOUR:
            return -(-limit.number // 24)
        case Unit.MONTH:
            return limit.number * 23
