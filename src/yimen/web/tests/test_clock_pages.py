"""Clocks, corrections and withdrawal on the pages: at the window, on the case's page, and what the citizen sees."""

import re
from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from yimen.cases import actions, queries
from yimen.cases.models import Case, Correction
from yimen.cases.tests.factories import make_case, make_version
from yimen.catalog.queries import work_calendar
from yimen.ledger.models import Event
from yimen.lib.dates import short_day
from yimen.people.models import Role
from yimen.people.tests.factories import make_department, make_staff
from yimen.web.portal.cases import _OPENED

pytestmark = pytest.mark.django_db


def key():
    from uuid import uuid4

    return str(uuid4())


def post(client, case, name, **fields):
    return client.post(reverse(f"workbench:{name}", args=[case.query_no]), {"_key": key(), **fields})


def login(client, staff):
    client.force_login(staff.user)
    return client


def citizen_page(client, case):
    session = client.session
    session[_OPENED] = {case.query_no: [str(case.pk), timezone.now().timestamp() + 600]}
    session.save()
    return client.get(reverse("portal:case", args=[case.query_no])).content.decode()


def plain(html):
    return re.sub(r"<[^>]+>", "", html)


def clerk_of(case):
    return make_staff(Role.CLERK, department=make_department(case.region), for_region=True)


@pytest.mark.capability("S4-29")
def test_marking_what_is_missing_leads_to_telling_once_with_one_click(client):
    now = timezone.now()
    case = make_case(at=now, complete=False)
    login(client, clerk_of(case))
    page = client.get(reverse("workbench:case", args=[case.query_no])).content.decode()
    assert "收的是哪种" in page
    assert page.index("一次告知缺什么") < page.index("只能告知一次") < page.index("看过了，开一次告知书")
    rows = {row.material.name: row.material_id for row in case.materials.select_related("material")}
    fields = {
        f"state-{rows['申请表']}": "missing",
        f"note-{rows['申请表']}": "没有签字，请签字",
        f"state-{rows['身份证']}": "complete",
        f"form-{rows['身份证']}": "copy",
    }
    answer = post(client, case, "case-correct", **fields)
    assert answer.status_code == 303
    correction = Correction.objects.get(case=case)
    assert [line.what for line in correction.lines.all()] == ["没有签字，请签字"]
    assert case.materials.get(material=rows["身份证"]).form == "copy"
    page = client.get(reverse("workbench:case", args=[case.query_no])).content.decode()
    assert "一次告知缺什么" not in page and correction.notice.number in page
    # Again, and for what is not on the list: refused, and seen.
    assert post(client, case, "case-correct", **fields).status_code == 409
    stranger = make_version().materials.all()[0].pk
    answer = post(client, case, "case-correct", **{f"state-{stranger}": "missing", f"note-{stranger}": "另交证明"})
    assert answer.status_code == 409 and "已经记下来" in answer.content.decode()
    kinds = set(Event.objects.filter(stream=case.stream).values_list("kind", flat=True))
    assert kinds >= {"case.second_correction_asked", "case.unlisted_material_asked"}


@pytest.mark.capability("S1-31")
@pytest.mark.parametrize(
    ("ground", "organ", "status"),
    [("not_needed", "", 303), ("not_ours", "市人力资源和社会保障局", 303), ("not_ours", "", 409), ("x", "", 409)],
)
def test_not_accepting_says_on_which_ground(client, ground, organ, status):
    case = make_case(at=timezone.now())
    login(client, clerk_of(case))
    fields = {"ground": ground, "right_organ": organ, "reasons": "这件事不用我们批准。"}
    assert post(client, case, "case-decline", **fields).status_code == status
    case.refresh_from_db()
    assert (case.status == Case.Status.DECLINED) is (status == 303)


@pytest.fixture
def running():
    """A case accepted some days ago, with the people around it."""
    at = timezone.now() - timedelta(days=3)
    case = make_case(promised_days=30, statutory_limit=40, at=at)
    case = actions.accept(case.pk, by=clerk_of(case), at=at)
    both = {
        "approver": make_staff(Role.APPROVER, department=case.department),
        "leader": make_staff(Role.LEADER, department=case.department),
    }
    return case, both


def test_a_stop_from_the_case_page_is_seen_there_and_by_the_citizen(client, running):
    case, people = running
    login(client, people["approver"])
    page = client.get(reverse("workbench:case", args=[case.query_no])).content.decode()
    assert "停计或延长时限" in page and "现场核查不停计" in page
    for wrong in ({"ground": "testing", "needed_days": "很久"}, {"ground": "visit", "needed_days": "3"}):
        answer = post(client, case, "case-stop-open", stop_reason="空气质量要检测", **wrong)
        assert answer.status_code in {409, 422} and "空气质量要检测" in answer.content.decode()
    done = post(client, case, "case-stop-open", stop_reason="空气质量要检测", ground="testing", needed_days="6")
    assert done.status_code == 303
    stop = case.stops.get()
    page = client.get(reverse("workbench:case", args=[case.query_no])).content.decode()
    assert "暂停中" in page and stop.notice.number in page and "依法停计" in page

    seen = plain(citizen_page(client, case))
    told = Event.objects.get(kind="case.stop_opened").data["moved"]
    promised = next(one for one in told if one["clock"] == "promised")
    was, now = (short_day(date.fromisoformat(promised[key])) for key in ("from", "to"))
    assert "".join(f"由{was}改为{now}".split()) in "".join(seen.split())
    assert "时限现在暂停" in seen and "检测" in seen and stop.notice.number in seen and "暂停中" in seen
    assert post(client, case, "case-decide", outcome="granted").status_code in {403, 409}
    assert post(client, case, "case-stop-close", result="检测合格，报告收到").status_code == 303
    seen = plain(citizen_page(client, case))
    assert "暂停中" not in seen and "不算" in seen and stop.notice.number in seen


def test_an_extension_is_asked_by_one_and_answered_by_another(client, running):
    case, people = running
    login(client, people["approver"])
    assert post(client, case, "case-extension-ask", extension_reason="要等上级部门的复函").status_code == 303
    assert post(client, case, "case-extension-answer", verdict="approve").status_code == 403
    login(client, people["leader"])
    assert "有人申请延长 10 个工作日" in client.get(reverse("workbench:case", args=[case.query_no])).content.decode()
    assert post(client, case, "case-extension-answer").status_code == 422
    assert post(client, case, "case-extension-answer", verdict="approve").status_code == 303
    page = client.get(reverse("workbench:case", args=[case.query_no])).content.decode()
    case.refresh_from_db()
    assert "经批准延长" in page and case.extension.notice.number in page
    seen = plain(citizen_page(client, case))
    assert "经批准延长 10 个工作日，只有这一次" in seen and case.extension.notice.number in seen


def test_a_correction_is_what_the_citizen_sees_first(client):
    at = timezone.now()
    case = make_case(at=at, complete=False)
    rows = {row.material.name: row.material_id for row in case.materials.select_related("material")}
    lines = {rows["申请表"]: "没有签字，请签字", rows["身份证"]: "缺反面"}
    actions.correct(case.pk, lines, by=clerk_of(case), at=at)
    seen = plain(citizen_page(client, case))
    assert "还要您补材料" in seen and "没有签字，请签字" in seen and "您现在不用做什么" not in seen


def test_withdrawing_at_the_window_needs_the_applicants_wish(client):
    case = make_case(at=timezone.now())
    login(client, clerk_of(case))
    assert post(client, case, "case-withdraw", withdraw_reason="不办了").status_code == 422
    assert post(client, case, "case-withdraw", withdraw_reason="不办了", asked="1").status_code == 303
    case.refresh_from_db()
    assert case.status == Case.Status.WITHDRAWN
    assert "撤回申请确认书" in client.get(reverse("workbench:case", args=[case.query_no])).content.decode()
    assert "您已经撤回申请" in citizen_page(client, case)


def test_what_was_handed_in_before_is_offered(client):
    now = timezone.now()
    first = make_case(at=now - timedelta(days=9))
    clerk = clerk_of(first)
    from yimen.people.tests.factories import make_center

    second = actions.receive(
        make_version(), first.applicant, center=make_center(first.region), materials={}, by=clerk, at=now
    )
    login(client, clerk)
    page = client.get(reverse("workbench:case", args=[second.query_no])).content.decode()
    earlier = first.materials.get(material__name="身份证")
    assert f'value="{earlier.pk}"' in page and first.query_no in page
    row = second.materials.get(material__name="身份证")
    fields = {f"state-{row.material_id}": "complete", f"reused-{row.material_id}": str(earlier.pk)}
    assert post(client, second, "case-materials", **fields).status_code == 303
    row.refresh_from_db()
    assert row.reused_from_id == earlier.pk


def test_a_leader_finds_what_waits_for_him_and_who_came_again(client, running):
    case, people = running
    actions.ask_extension(case.pk, reason="要等上级部门的复函", by=people["approver"], at=timezone.now())
    actions.open_stop(
        case.pk, ground="testing", reason="空气质量要检测", needed_days=3, by=people["approver"], at=timezone.now()
    )
    login(client, people["leader"])
    page = client.get(reverse("workbench:special")).content.decode()
    assert page.count(case.query_no) >= 4 and "要等上级部门的复函" in page and "半年以来没有" in page
    stranger = make_staff(Role.LEADER, department=make_department(case.region))
    login(client, stranger)
    assert case.query_no not in client.get(reverse("workbench:special")).content.decode()


@pytest.mark.parametrize("stated", [None, 15])
def test_the_page_says_where_the_laws_limit_comes_from_when_the_item_states_none(client, stated):
    """LAW-8."""
    case = make_case(at=timezone.now(), statutory_limit=stated)
    clerk = clerk_of(case)
    actions.accept(case.pk, by=clerk, at=timezone.now())
    login(client, clerk)
    sentence = "按行政许可法第四十二条的 20 个工作日算"
    for page in (
        client.get(reverse("workbench:case", args=[case.query_no])).content.decode(),
        citizen_page(client, case),
    ):
        assert (sentence in plain(page)) is (stated is None)


def test_a_last_day_by_law_in_a_year_not_announced_is_provisional_for_everybody(client):
    case = make_case(promised_days=2, statutory_limit=600, at=timezone.now())
    actions.accept(case.pk, by=clerk_of(case), at=timezone.now())
    assert case.clocks.get(kind="statutory").is_provisional
    login(client, clerk_of(case))
    page = plain(client.get(reverse("workbench:case", args=[case.query_no])).content.decode())
    law = page[page.index("法定最晚") :]
    assert "暂定" in law[:200]
    seen = plain(citizen_page(client, case))
    law = seen[seen.index("法律规定的最后一天") :]
    assert "暂定" in law[:200]


def test_who_waits_for_his_result_reads_by_when_it_comes(client):
    case = make_case(promised_days=5, at=timezone.now())
    clerk, leader = clerk_of(case), make_staff(Role.LEADER, department=case.department)
    actions.accept(case.pk, by=clerk, at=timezone.now())
    assert "送达" not in plain(citizen_page(client, case))
    for task in case.tasks.filter(kind="review"):
        approver = make_staff(Role.APPROVER, department=case.department)
        actions.complete_task(task.pk, outcome="passed", opinion="", by=approver, at=timezone.now())
    actions.decide(case.pk, outcome="granted", reasons="", by=leader, at=timezone.now())
    due_on = case.clocks.get(kind="delivery").due_on
    seen = "".join(plain(citizen_page(client, case)).split())
    assert f"{due_on.month}月{due_on.day}日" in seen and "送达" in seen


def test_who_takes_papers_in_reads_by_when_he_has_to_answer(client):
    case = make_case(at=timezone.now(), complete=False)
    login(client, clerk_of(case))
    page = lambda: plain(client.get(reverse("workbench:case", args=[case.query_no])).content.decode())  # noqa: E731
    due_on = queries.answer_due(case, work_calendar())
    assert "".join(f"最晚{short_day(due_on)}".split()) in "".join(page().split())
    rows = {row.material.name: row.material_id for row in case.materials.select_related("material")}
    actions.correct(
        case.pk, {rows["申请表"]: "没有签字，请签字", rows["身份证"]: "缺反面"}, by=clerk_of(case), at=timezone.now()
    )
    assert "补齐以后五个工作日内答复" in page()
