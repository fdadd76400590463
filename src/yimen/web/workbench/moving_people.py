"""What a change of hours or plans does to people booked: asked in the form, shown before it is saved."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from yimen.hall.actions.moving import Outcome
from yimen.hall.queries import appointments as queries
from yimen.lib import mask

SEEN = "seen"


class PeopleFields(forms.Form):
    people = forms.ChoiceField(
        label=gettext_lazy("已经约好、对不上新时间的人"),
        choices=(
            ("move", gettext_lazy("改到下一个空的时间，并告诉本人")),
            ("keep", gettext_lazy("照原来的时间来")),
        ),
        initial="move",
        required=False,
    )
    why = forms.CharField(
        label=gettext_lazy("告诉他们为什么"),
        max_length=80,
        required=False,
        initial=gettext_lazy("窗口的时间有变动。"),
    )

    def reason(self) -> str:
        """Return why people are moved; empty when they stay."""
        if self.cleaned_data.get("people") != "move":
            return ""
        return str(self.cleaned_data.get("why") or self.fields["why"].initial)


def shown(outcome: Outcome, *, left: Any = "") -> dict[str, Any]:
    """What workbench/appointments/outcome.html needs. left: what becomes of those without a free time, in words."""
    return {
        "moved": [(old, new, mask.name(queries.name_of(old)), mask.phone(queries.phone_of(old)))
                  for old, new in outcome.moved],
        "left": [(one, mask.name(queries.name_of(one)), mask.phone(queries.phone_of(one))) for one in outcome.left],
        "mark": outcome.mark,
        "left_words": left or gettext_lazy("照原来的时间来"),
    }  # fmt: skip
