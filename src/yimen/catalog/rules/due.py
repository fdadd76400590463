"""Who a rule of `ItemVersion.due_rule` finds (S3-2), in words."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _


def due_words(rule: Mapping[str, Any]) -> str:
    """Say who a rule finds, in one phrase."""
    match rule.get("kind"):
        case "age":
            return _("满 %(years)s 周岁的人") % {"years": rule["years"]}
        case "renewal":
            return _("办结满 %(months)s 个月的人，提前 %(days)s 天提醒") % {
                "months": rule["months"],
                "days": rule["before_days"],
            }
    return _("不提醒")
