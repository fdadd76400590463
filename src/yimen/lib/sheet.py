"""Cells of a spreadsheet."""

# A cell that begins so is a formula to a spreadsheet (SEC-38).
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def safe_cell(value: object) -> str:
    """Return text a spreadsheet shows as text, never runs."""
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
