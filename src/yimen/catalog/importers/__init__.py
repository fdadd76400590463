"""Loading service catalogues from other places' lists and from spreadsheets (ITEM-16)."""

from yimen.catalog.importers.common import LeftOut, Listed, Report, Unreadable
from yimen.catalog.importers.guangdong import import_guangdong, is_guangdong
from yimen.catalog.importers.mapped import Mode, guessed, import_list

__all__ = [
    "LeftOut",
    "Listed",
    "Mode",
    "Report",
    "Unreadable",
    "guessed",
    "import_guangdong",
    "import_list",
    "is_guangdong",
]
