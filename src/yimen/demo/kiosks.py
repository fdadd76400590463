"""Two kiosks with printers (one writes a file, one is unplugged), guides on the roster, help noted, opinions left."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta

from django.utils.timezone import localdate

from yimen.hall.actions import helping, kiosks
from yimen.hall.models import GuideHelp, Hall
from yimen.ledger.actions import SYSTEM
from yimen.lib.workdays import LOCAL_ZONE
from yimen.people.models import Staff
from yimen.ratings import actions as ratings
from yimen.ratings import opinions
from yimen.ratings.models import Rating, RatingLevel

# The demo begins two months before today; what is seen today happens then.
TODAY, DAYS = 60, 21
DUTIES = (("guide", time(9), time(13), "东门入口"), ("clerk2", time(13), time(17), "东门入口"))
HELPS = (
    ("guide", GuideHelp.Kind.TICKET, RatingLevel.VERY_GOOD),
    ("guide", GuideHelp.Kind.FORM, RatingLevel.VERY_GOOD),
    ("guide", GuideHelp.Kind.WAY, None),
    ("clerk2", GuideHelp.Kind.PAPERS, RatingLevel.GOOD),
    ("guide", GuideHelp.Kind.COMPANY, RatingLevel.FAIR),
)
OPINIONS = (
    ("praise", ("staff",), "导办员陪我妈填表，很有耐心。"),
    ("suggestion", ("place", "access"), "等候区能不能多放几把带扶手的椅子。"),
    ("complaint", ("waiting",), ""),
)


def build(hall: Hall, staff: Mapping[str, Staff], at: datetime) -> None:
    """What stands in the hall as of `at`; TODAY days later what happened there, and duties from then on."""
    printer = kiosks.add_printer(hall, name="一号小票机", kind="file", target="k1", by=SYSTEM, at=at)
    narrow = kiosks.add_printer(
        hall, name="二号小票机（没插电）", kind="network", target="127.0.0.1:9199", width=384, by=SYSTEM, at=at
    )
    kiosk = kiosks.add_kiosk(
        hall, code="k1", name="一号自助机", place="东门入口左边", printer=printer, by=SYSTEM, at=at
    )
    kiosks.add_kiosk(hall, code="k2", name="二号自助机", place="西区立柱旁", printer=narrow, by=SYSTEM, at=at)
    kiosks.set_joining(hall.pk, radius=2000, by=SYSTEM, at=at)
    yesterday = at + timedelta(days=TODAY - 1)
    for n in range(DAYS):
        day = localdate(yesterday) + timedelta(days=n)
        for name, begin, end, place in DUTIES:
            if name in staff:
                helping.put_on_duty(
                    hall, staff[name], place=place, by=SYSTEM, at=at,
                    from_at=datetime.combine(day, begin, LOCAL_ZONE), until_at=datetime.combine(day, end, LOCAL_ZONE),
                )  # fmt: skip
    for n, (name, kind, level) in enumerate(HELPS):
        if name not in staff:
            continue
        when = yesterday + timedelta(minutes=7 * n)
        given = helping.note_help(hall, kind, by=staff[name], at=when)
        invitation = ratings.invite_for_help(given, at=when)
        if level:
            ratings.rate(invitation.token, level=level, channel=Rating.Channel.QR, at=when + timedelta(minutes=3))
    for n, (opinion, topics, text) in enumerate(OPINIONS):
        opinions.leave_opinion(
            hall.center, opinion, text, topics=topics, hall=hall, kiosk=kiosk, at=yesterday + timedelta(minutes=20 * n)
        )
