"""
What a page shows of personal data by default (SEC-19). Showing more is an act with a reason, never a template's choice.

Pure and safe on anything a person may have typed; names of firms are public and stay as they are.
"""

import re
import unicodedata

STAR = "*"
DEMO_MARK = "（演示）"


def name(text: str) -> str:
    """
    Return a person's name with only its first and last character: 林小满 → 林*满, 张三 → 张*.

    The mark of invented people stays readable.
    """
    text = unicodedata.normalize("NFC", text).strip()
    person = text.removesuffix(DEMO_MARK)
    mark = text[len(person) :]
    if len(person) > 2:
        return person[0] + STAR * (len(person) - 2) + person[-1] + mark
    return person[:1] + STAR + mark if len(person) == 2 else STAR * len(person) + mark


def id_number(text: str) -> str:
    """Return an identity or other document number with its first 3 and last 2 characters; under 8 none is shown."""
    return _keep(text.strip(), 3, 2, least=8)


def phone(text: str) -> str:
    """Return 138****0417, or 023-****0123 for a landline; under 7 digits none is shown."""
    text = text.strip()
    if landline := re.fullmatch(r"(010|02\d|0[3-9]\d\d)-?(\d{7,8})", text, re.ASCII):
        area, number = landline.groups()
        return f"{area}-{STAR * (len(number) - 4)}{number[-4:]}"
    return _keep(text, 3, 4, least=11) if len(text) >= 11 else _keep(text, 0, 4, least=7)


def bank_account(text: str) -> str:
    """Return an account number with its last 4 characters; under 10 none is shown."""
    return _keep(text.strip(), 0, 4, least=10)


def _keep(text: str, first: int, last: int, *, least: int) -> str:
    if len(text) < least:
        return STAR * len(text)
    return text[:first] + STAR * (len(text) - first - last) + text[-last:]
