"""
Numbers people are known by: is this one possible, and if not, which part is wrong?

Nothing here says that a number was issued; only a register can. No message repeats the number (SEC-19).
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _
from stdnum.cn import ric, uscc

from yimen.lib.errors import DomainError

# GB/T 2260, first two digits, with 81 to 83 for the residence permits of Hong Kong, Macao and Taiwan residents.
# Only the province is judged: codes of counties come and go, and no list of all that ever were is complete
# (the one in python-stdnum refuses real ones).
PROVINCES = {
    *("11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37"),
    *("41", "42", "43", "44", "45", "46", "50", "51", "52", "53", "54"),
    *("61", "62", "63", "64", "65", "71", "81", "82", "83"),
}
OLDEST_YEARS = 150


class InvalidIdentity(DomainError):
    """The number cannot exist; the message says which part to look at again."""


@dataclass(frozen=True)
class ResidentId:
    """What a resident identity number says. sex: "男" or "女"; area_code: where it was first issued, GB/T 2260."""

    birth_on: date
    sex: str
    area_code: str


@dataclass(frozen=True)
class CreditCode:
    """What a unified social credit code says. area_code: where registered; organisation_code: GB 11714."""

    area_code: str
    organisation_code: str


def check_resident_id(number: str, today: date) -> ResidentId:
    """
    Return what the 18-character identity number says (GB 11643); a lower-case x counts as X.

    Raises InvalidIdentity, naming the wrong part, also for a birth date after `today`.
    """
    number = number.upper()
    if not re.fullmatch(r"\d*X?", number, re.ASCII):
        raise InvalidIdentity(_("身份证号码只有数字，最后一位可以是 X。请用半角再填一次，中间不要空格。"))
    _check_length(number, _("身份证号码"))
    if number[:2] not in PROVINCES:
        raise InvalidIdentity(_("身份证号码开头两位不是国内的地区代码，请对照证件看前 2 位。"))
    try:
        birth_on = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        raise InvalidIdentity(_("身份证号码里没有这样的出生日期，请对照证件看第 7 到 14 位。")) from None
    if birth_on > today:
        raise InvalidIdentity(_("身份证号码里的出生日期还没有到，请对照证件看第 7 到 14 位。"))
    if birth_on.year < today.year - OLDEST_YEARS:
        raise InvalidIdentity(_("身份证号码里的出生日期太早了，请对照证件看第 7 到 14 位。"))
    if number[-1] != ric.calc_check_digit(number):
        raise InvalidIdentity(_("身份证号码的校验位对不上，可能有一位填错，或两位填反了。"))
    return ResidentId(birth_on, "男" if int(number[16]) % 2 else "女", number[:6])


def check_credit_code(number: str) -> CreditCode:
    """
    Return what the 18-character unified social credit code says (GB 32100); lower case is taken as upper case.

    Raises InvalidIdentity, naming the wrong part.
    """
    number = number.upper()
    if not re.fullmatch(r"[0-9A-Z]*", number, re.ASCII):
        raise InvalidIdentity(_("统一社会信用代码只有数字和字母。请用半角再填一次，中间不要空格。"))
    _check_length(number, _("统一社会信用代码"))
    if set(number) & set("IOSVZ"):
        raise InvalidIdentity(_("统一社会信用代码里没有字母 I、O、S、V、Z，请看是不是把 1、0、5、2 认成了字母。"))
    if not number[2:8].isdigit():
        raise InvalidIdentity(_("统一社会信用代码第 3 到 8 位是地区代码，只有数字，请对照执照再看一次。"))
    if number[-1] != uscc.calc_check_digit(number[:-1]):
        raise InvalidIdentity(_("统一社会信用代码的校验位对不上，可能有一位填错，或两位填反了。"))
    return CreditCode(number[2:8], number[8:17])


def check_phone(number: str) -> str:
    """
    Return the telephone number in its one stored spelling: 13800000417, or 023-67890123 with its area code.

    Full-width digits, spaces, dashes and a leading +86 are understood. Raises InvalidIdentity.
    """
    text = re.sub(r"[\s\-()]", "", unicodedata.normalize("NFKC", number), flags=re.ASCII)
    text = re.sub(r"^(\+|00)86", "", text)
    if not text:
        raise InvalidIdentity(_("请填写能找到您的电话号码。"))
    if not re.fullmatch(r"\d+", text, re.ASCII):
        raise InvalidIdentity(_("电话号码只有数字，请再看一次。"))
    if re.fullmatch(r"1[3-9]\d{9}", text):
        return text
    if landline := re.fullmatch(r"(010|02\d|0[3-9]\d\d)(\d{7,8})", text):
        return "-".join(landline.groups())
    if text.startswith("1"):
        raise InvalidIdentity(
            _("手机号码要 11 位，您填了 %(count)d 位，请再看一次。") % {"count": len(text)}
            if len(text) != 11
            else _("没有这样开头的手机号码，请对照看前 3 位。")
        )
    raise InvalidIdentity(_("请填 11 位手机号码，或带区号的座机号码，例如 023-67890123。"))


def _check_length(number: str, what: str) -> None:
    if not number:
        raise InvalidIdentity(_("请填写%(what)s。") % {"what": what})
    if len(number) != 18:
        raise InvalidIdentity(
            _("%(what)s要 18 位，您填了 %(count)d 位，请再看一次。") % {"what": what, "count": len(number)}
        )
