"""Numbers of cases."""

from datetime import date


def case_no(task_code: str, day: date, serial: int) -> str:
    """Return the case number: implementation code, yyyymmdd and a serial of at least 4 digits (CASE-9)."""
    return f"{task_code}{day:%Y%m%d}{serial:04d}"


def query_no(letters: str, day: date, serial: int) -> str:
    """Return the number citizens type: QH-261118-00417, the day of receipt and the day's serial in the centre."""
    return f"{letters}-{day:%y%m%d}-{serial:05d}"
