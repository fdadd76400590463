"""
A demo centre that looks alive on any day: invented people, real rules, everything through the real actions.

`centre` says what there is, `build` makes it, `life` lives through some days and goes on while the demo runs.
"""

import os
import time
from collections.abc import Callable
from datetime import datetime, timedelta


def is_missing() -> bool:
    from yimen.demo import build

    return not build.exists()


def prepare(now: datetime, *, is_quiet: bool = False) -> None:
    """Fill an empty database with the centre and (not is_quiet) its first case; leave a filled one as it is."""
    from django.db import transaction

    from yimen.demo import appointments, build, citizens, life

    if build.exists():
        return
    with transaction.atomic():
        build.build(now - timedelta(days=60))
        citizens.build(now - timedelta(hours=3))
        appointments.build(now)
        if not is_quiet:
            life.begin(now)


def live(say: Callable[[str], None]) -> None:
    """
    Live through the days before the first start, then on until ended; a second one would only crowd the hall.

    say: told once when those days are there.
    """
    from django.db import connection
    from django.utils import timezone

    from yimen.demo import life

    os.nice(10)  # who looks around meanwhile comes first
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")  # simulated days may be lost with the power
    started = timezone.now()
    days = life.history(started)
    if days:
        say(f"往日 {days} 天的办件补齐了（{(timezone.now() - started).seconds} 秒）。")
    now = timezone.now()
    people = life.Life(now.isoformat())
    people.take_over(now)
    planned = now
    while True:
        now = timezone.now()
        if planned <= now:
            planned = now + timedelta(minutes=2)
            life.go_on(people, now, planned)
        people.run(now)
        time.sleep(1)


def notes() -> list[str]:
    """Return what a visitor needs to look around: addresses, accounts, a case to ask for."""
    from yimen.demo import centre, life

    case = life.known_case()
    lines = [
        "门户        {base}/",
        "工作台      {base}/workbench/",
        f"大厅屏幕    {{base}}/screen/{centre.HALL[0]}/",
        f"自助取号机  {{base}}/kiosk/{centre.HALL[0]}/",
        "（小票和文书上的二维码也指着这个地址，只有这台机器打得开；要用手机扫，请设 YIMEN_BASE_URL）",
        "",
        f"演示账号（人物均为虚构），密码都是 {centre.PASSWORD}",
        "  clerk1 clerk2       窗口人员，1、2 号窗口空着等您",
        "  approver-scjg       市场监管局审批人员",
        "  approver-city       上级（市里）的审批人员，有一件转给他",
        "  clerk-city          市里大厅的窗口人员，替本县代收了一件",
        "  leader supervisor   负责人、监督人员（看统计）",
        "  manager guide       大厅管理员、导办员",
        "  editor publisher    事项编辑、发布",
        "  sysadmin secadmin auditor   系统、安全、审计管理员",
    ]
    if case is not None:
        lines.append(f"查进度试试：办件编号 {case.query_no}，手机号后四位 {life.KNOWN_PHONE[-4:]}")
    return lines
