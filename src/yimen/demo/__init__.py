"""
A demo centre that looks alive on any day: invented people, real rules, everything through the real actions.

`centre` says what there is, `build` makes it, `life` lives through some days and goes on while the demo runs.
"""

import sys
import time
from datetime import datetime, timedelta


def prepare(now: datetime, *, is_quiet: bool = False) -> None:
    """Fill an empty database with the centre and (not is_quiet) its last days; leave a filled one as it is."""
    from tqdm import tqdm

    from yimen.demo import build, life

    if build.exists():
        return
    build.build(now - timedelta(days=60))
    if is_quiet:
        return
    with tqdm(desc="演示数据", unit="天", disable=not sys.stderr.isatty()) as bar:

        def progress(done: int, everything: int) -> None:
            bar.total = everything
            bar.update(done - bar.n)

        life.history(now, progress)


def live() -> None:
    """Go on living until the process is ended; a second one beside it would only crowd the hall."""
    from django.utils import timezone

    from yimen.demo import life

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
        "  leader supervisor   负责人、监督人员（看统计）",
        "  manager guide       大厅管理员、导办员",
        "  editor publisher    事项编辑、发布",
        "  sysadmin secadmin auditor   系统、安全、审计管理员",
    ]
    if case is not None:
        lines.append(f"查进度试试：办件编号 {case.query_no}，手机号后四位 {life.KNOWN_PHONE[-4:]}")
    return lines
