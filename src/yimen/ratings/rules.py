"""What can be said with a rating, and how ratings become figures. Pure functions; source: docs/rules/ratings.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from yimen.lib.figures import percent
from yimen.ratings.models import RatingLevel

# Dated local rules (TRAP-7); these count until a place sets its own.
INVITATION_DAYS_KEY, INVITATION_DAYS = "rating_invitation_days", 30
MAX_TEXT = 500
MAX_REASONS = 5

# RATE-13: what people praise, and what could be better; each stored by its key.
PRAISE: Mapping[str, Promise] = {
    "quick": _("办得快"),
    "kind": _("态度好"),
    "clear": _("讲得清楚"),
    "few_papers": _("要的材料少"),
    "one_trip": _("一次就办成"),
}
BLAME: Mapping[str, Promise] = {
    "waited_long": _("等太久了"),
    "unclear_guidance": _("指引不清楚"),
    "unkind": _("态度不好"),
    "extra_papers": _("要了清单外的材料"),
    "many_trips": _("跑了好几趟"),
    "equipment": _("设备不好用"),
    "not_done": _("事情没办成"),
}
LABELS: Mapping[str, Promise] = {**PRAISE, **BLAME}


def reasons_for(level: str) -> Mapping[str, Promise]:
    """Return the reasons offered after a rating, by key: praise for the two best levels, else what could be better."""
    return PRAISE if level in {RatingLevel.VERY_GOOD, RatingLevel.GOOD} else BLAME


@dataclass(frozen=True)
class Figures:
    """
    Ratings of a period (RATE-11), all of them given by people: nothing is counted for those who said nothing.

    counts: by level, every level present. rateable: services finished in the period that could be rated.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    rateable: int = 0

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def bad(self) -> int:
        return sum(n for level, n in self.counts.items() if RatingLevel(level).is_bad)

    @property
    def good_rate(self) -> Decimal | None:
        """好评率: levels 1 to 3 of all ratings, in percent; None without ratings."""
        return percent(self.total - self.bad, self.total)

    @property
    def bad_rate(self) -> Decimal | None:
        """差评率: levels 4 and 5 of all ratings, in percent; None without ratings."""
        return percent(self.bad, self.total)

    @property
    def active_rate(self) -> Decimal | None:
        """主动评价率: ratings given of services that could be rated, in percent; None without any."""
        return percent(min(self.total, self.rateable), self.rateable)
