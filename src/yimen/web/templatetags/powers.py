"""How powers, delegations and entries are shown."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from yimen.catalog.models import Delegation, FlowStep
from yimen.catalog.rules.powers import LEVEL_NAMES, EntryFault, Validity
from yimen.insight.power_tables import fault_name

register = template.Library()


@register.filter
def level_of(power: Any) -> str:
    """行使层级 of an entry, in words."""
    return str(LEVEL_NAMES.get(power.level, ""))


@register.filter
def acts_of(lent: Delegation) -> list[str]:
    """What a delegation covers, in words."""
    return [str(FlowStep.Kind(act).label) for act in lent.acts]


@register.filter
def fault_word(fault: EntryFault) -> str:
    return fault_name(fault)


@register.simple_tag
def validity_chip(state: Validity) -> SafeString:
    """How a delegation stands, as a chip."""
    from yimen.web.templatetags.yimen import chip

    kind, word = {
        Validity.VALID: ("done", _("有效")),
        Validity.ENDING: ("wait", _("快到期")),
        Validity.COMING: ("info", _("还没生效")),
        Validity.ENDED: ("bad", _("已到期")),
        Validity.REVOKED: ("off", _("已撤销")),
    }[state]
    return chip(kind, word)
