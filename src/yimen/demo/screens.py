"""Zones, units at their windows, screens, notices, facilities and work cards of the demo hall."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

from django.utils.timezone import localdate

from yimen.hall.actions import notices, places, screens
from yimen.hall.models import Facility, Hall, HallZone, Notice, Screen, Window
from yimen.ledger.actions import SYSTEM
from yimen.people import work_cards
from yimen.people.models import Department, Post

# Three zones come with the series; windows by number, and the unit a specialist one belongs to.
ZONES = {"一楼东侧": (1, 2, 3, 4), "一楼西侧": (5, 6), "一楼南侧": (7, 8), "自助办理区": (), "劳动争议调解区": ()}
UNITS = {6: "zrj"}
FACILITIES = (
    (Facility.Kind.WATER, "饮用水", "东门进来右手边，有纸杯", "", True),
    (Facility.Kind.COPY, "免费复印", "导办台旁边", "", True),
    (Facility.Kind.PC, "自助电脑", "自助办理区，2 台", "", True),
    (Facility.Kind.CHARGE, "手机充电", "等候区每排座椅下面", "", True),
    (Facility.Kind.GLASSES, "老花镜", "每个窗口都有", "", True),
    (Facility.Kind.WHEELCHAIR, "轮椅", "门口，找导办员拿", "", True),
    (Facility.Kind.NURSING, "母婴室", "二楼电梯口", "", True),
    (Facility.Kind.UMBRELLA, "雨伞", "导办台，留个电话就借", "换伞架，周五好", False),
)
NOTICES = (
    (Notice.Kind.PUBLIC, "周六上午也开门", "每周六 9:00–11:30，社保和不动产各开 2 个窗口。", ()),
    (Notice.Kind.POLICY, "个体户登记不收费", "开店先领执照，材料齐当场拿，一分钱不收。", ()),
    (Notice.Kind.POLICY, "高龄津贴满 80 岁就能领", "家里人带身份证来办，也可以请我们上门。", (5,)),
    (Notice.Kind.SAFETY, "看好随身的东西", "证件、手机别落在窗口。捡到请交导办台。", ()),
)
SCREENS = (
    ("east", "一楼东侧分区屏", Screen.Layout.ZONE),
    ("w1", "1 号窗口屏", Screen.Layout.WINDOW),
    ("notices", "门口公告屏", Screen.Layout.NOTICES),
    ("map", "窗口分布图", Screen.Layout.MAP),
    ("elder", "长辈高对比屏", Screen.Layout.HALL),
)
DUTIES = "收件、当场核对、一次说清还差什么，能当场办的当场办好"
PROMISE = "一次说清，不让您跑第二趟"


def build(hall: Hall, organs: Mapping[str, Department], at: datetime) -> None:
    """Put everything in its place."""
    by: Any = {"by": SYSTEM, "at": at}
    there = {zone.name: zone for zone in HallZone.objects.filter(hall=hall)}
    zones = {name: there.get(name) or places.add_zone(hall, name=name, **by) for name in ZONES}
    for position, name in enumerate(ZONES):
        places.change_zone(zones[name].pk, name=name, position=position, **by)
    windows = {one.number: one for one in Window.objects.filter(hall=hall).order_by("number")}
    for name, numbers in ZONES.items():
        for number in numbers:
            unit = organs.get(UNITS.get(number, ""))
            places.place_window(windows[number].pk, zone=zones[name], department=unit, **by)
    for position, (kind, name, place, note, works) in enumerate(FACILITIES):
        made = places.add_facility(hall, kind=kind, name=name, place=place, position=position, **by)
        if not works:
            places.report_facility(made.pk, False, note=note, **by)
    today = localdate(at)
    for position, (sort, title, text, at_windows) in enumerate(NOTICES):
        notices.post_notice(
            hall.region,
            title=title,
            text=text,
            kind=sort,
            hall=hall,
            windows=[windows[number] for number in at_windows if number in windows],
            # The centre stands for months: the later ones are news of the last weeks.
            from_day=today + timedelta(days=position and 30 + 8 * position),
            until_day=today + timedelta(days=400),
            position=position,
            **by,
        )
    for code, name, layout in SCREENS:
        screens.set_up_screen(
            hall,
            code=code,
            name=name,
            layout=layout,
            zone=zones["一楼东侧"] if layout == Screen.Layout.ZONE else None,
            window=windows.get(1) if layout == Screen.Layout.WINDOW else None,
            high_contrast=code == "elder",
            speaks=code == "east",
            second_language="yue-HK" if code == "east" else "",
            second_speech="請{label}，去{window}號窗口" if code == "east" else "",
            quiet_from=time(12, 0) if code == "east" else None,
            quiet_until=time(14, 0) if code == "east" else None,
            **by,
        )
    for post in Post.objects.filter(department__region=hall.region, staff__isnull=False).distinct():
        work_cards.describe_post(post.pk, duties=post.duties or DUTIES, promise=PROMISE, **by)
    work_cards.set_complaint_way(hall.center_id, "拨 12345，或到办不成事反映窗口", **by)
