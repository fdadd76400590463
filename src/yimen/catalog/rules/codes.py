"""What item codes mean and which form they must have (ITEM-2 … ITEM-5)."""

import re
from dataclasses import dataclass
from enum import IntEnum

from django.utils.translation import gettext as _
from stdnum.cn import uscc

from yimen.lib.errors import DomainError


class InvalidItemCode(DomainError):
    """The code does not have the form its scheme asks for."""


class CodeScheme(IntEnum):
    """
    Which form item codes have; places and documents differ (ITEM-5). The number is a dated local rule.

    PRACTICE: 12 / 31 / 33 characters with meaning, as provinces use them; UPLOAD: the width of the national
    upload tables, up to 12 / 36 / 50; STANDARD: GB/T 39046, up to 10 / 24 / 24.
    """

    PRACTICE = 0
    UPLOAD = 1
    STANDARD = 2


# 行使层级 (ITEM-8).
LEVELS = frozenset("1234567")
_WIDTHS = {CodeScheme.UPLOAD: (12, 36, 50), CodeScheme.STANDARD: (10, 24, 24)}
_CATALOG = re.compile(r"(?P<region>\d{2})(?P<type_code>\d{2})(?P<main>\d{5})(?P<sub>[0-9A-Z]{3})", re.ASCII)
_TASK = re.compile(rf"(?P<organ>[0-9A-Z]{{18}})(?P<level>\d){_CATALOG.pattern}(?P<serial>\d{{2}})?", re.ASCII)


@dataclass(frozen=True)
class TaskCode:
    """
    What a 31- or 33-character implementation code says (ITEM-3).

    organ: the implementing organ's credit code; level: 行使层级 (ITEM-8); region: "00" national, else the
    province; type_code: 事项类型 as the province numbers it; sub: "000" when there is none; serial: of a
    handling item, else "".
    """

    organ: str
    level: str
    region: str
    type_code: str
    main: str
    sub: str
    serial: str = ""

    @property
    def catalog_code(self) -> str:
        """The 12-digit basic code (ITEM-2)."""
        return self.region + self.type_code + self.main + self.sub

    @property
    def is_organ_valid(self) -> bool:
        """Whether the organ's credit code passes GB 32100; published lists do hold some that fail (ITEM-4)."""
        return uscc.is_valid(self.organ)


def read_task_code(code: str) -> TaskCode:
    """Return the parts of a 31- or 33-character implementation code. Raises InvalidItemCode."""
    if len(code) not in {31, 33}:
        raise InvalidItemCode(
            _("实施编码要 31 位，业务办理项编码要 33 位，这个有 %(count)d 位。") % {"count": len(code)}
        )
    found = _TASK.fullmatch(code)
    if not found:
        raise InvalidItemCode(
            _("实施编码是 18 位信用代码（数字和大写字母），加 1 位层级，再加 12 位基本编码，请对照再看一次。")
        )
    if found["level"] not in LEVELS:
        raise InvalidItemCode(
            _("实施编码第 19 位是行使层级，只有 1 到 7，这个是 %(level)s。") % {"level": found["level"]}
        )
    return TaskCode(*found.groups(""))


def check_codes(
    task_code: str, catalog_code: str = "", local_task_code: str = "", scheme: CodeScheme = CodeScheme.PRACTICE
) -> None:
    """Raise InvalidItemCode unless the codes have the form of `scheme` (ITEM-5); only the first must be there."""
    if not task_code:
        raise InvalidItemCode(_("请填写实施编码。"))
    if scheme == CodeScheme.PRACTICE:
        parts = read_task_code(task_code)
        if catalog_code and not _CATALOG.fullmatch(catalog_code):
            raise InvalidItemCode(_("基本编码要 12 位：2 位地区、2 位类型、5 位主项、3 位子项。"))
        if catalog_code and catalog_code != parts.catalog_code:
            raise InvalidItemCode(_("基本编码和实施编码的后 12 位不一样，请看是哪一个填错了。"))
        return
    for code, width in zip((catalog_code, task_code, local_task_code), _WIDTHS[scheme], strict=True):
        if len(code) > width:
            raise InvalidItemCode(
                _("编码最多 %(width)d 位，这个有 %(count)d 位。") % {"width": width, "count": len(code)}
            )
        if not re.fullmatch(r"[0-9A-Za-z-]*", code, re.ASCII):
            raise InvalidItemCode(_("编码只有数字和字母，请用半角再填一次，中间不要空格。"))


def check_catalog_code(code: str, scheme: CodeScheme = CodeScheme.PRACTICE) -> None:
    """Raise InvalidItemCode unless `code` is a basic code of `scheme` (ITEM-2, ITEM-5)."""
    if scheme == CodeScheme.PRACTICE:
        if not _CATALOG.fullmatch(code):
            raise InvalidItemCode(
                _("基本编码“%(code)s”要 12 位：2 位地区、2 位类型、5 位主项、3 位子项。") % {"code": code[:40]}
            )
        return
    width = _WIDTHS[scheme][0]
    if not re.fullmatch(rf"[0-9A-Za-z-]{{1,{width}}}", code, re.ASCII):
        raise InvalidItemCode(
            _("基本编码“%(code)s”要 1 到 %(width)d 位数字和字母。") % {"code": code[:40], "width": width}
        )


def check_local_code(code: str) -> None:
    """Raise InvalidItemCode for a local code that is too wide for the upload tables (50) or has strange characters."""
    if len(code) > 50:
        raise InvalidItemCode(_("本地编码最多 50 位，这个有 %(count)d 位。") % {"count": len(code)})
    if not re.fullmatch(r"[0-9A-Za-z_.-]*", code, re.ASCII):
        raise InvalidItemCode(_("本地编码“%(code)s”里只能有数字、字母和 - _ .，中间不要空格。") % {"code": code})
