"""Days written out in a text that the limits beside it no longer say: what a change would leave behind on leaflets."""

import re
from collections.abc import Collection, Mapping

from django.utils.translation import gettext as _

from yimen.lib.text import listed

_DAYS = re.compile(r"(?<![\d.])(\d{1,4})\s*个?工作日")


def stale_days(texts: Mapping[str, str], known: Collection[int], promised: int | None) -> list[str]:
    """
    Return a sentence for each text that names working days which are none of `known`.

    texts: by what an editor calls them; known: all limits of the edition in working days; promised: that of it which
    is promised, None without one or in another unit.
    """
    found = []
    for label, text in texts.items():
        said = dict.fromkeys(int(days) for days in _DAYS.findall(text))
        if not (wrong := [days for days in said if days not in known]):
            continue
        values = {"label": label, "days": listed(str(days) for days in wrong), "promised": promised}
        found.append(
            _("“%(label)s”里写着 %(days)s 个工作日，现在承诺的是 %(promised)s 个，请对一对。") % values
            if promised is not None
            else _("“%(label)s”里写着 %(days)s 个工作日，别处没有这个时限，请对一对。") % values
        )
    return found
