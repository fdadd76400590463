"""What one can do at the kiosk besides taking a number: each way over HTTP, without script."""

import re
import threading
from contextlib import nullcontext
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.utils.timezone import localdate
from stdnum.cn import ric

from yimen.cases.tests.factories import make_case, make_version
from yimen.catalog.models import ServiceItem
from yimen.catalog.rules.notice import notice_faults
from yimen.hall.actions import helping, printing
from yimen.hall.actions import kiosks as setting_up
from yimen.hall.models import GuideCall, SlipPrint, Ticket
from yimen.hall.queries import kiosks as reads
from yimen.hall.tests.factories import make_series, make_window, take
from yimen.ledger.actions import PUBLIC
from yimen.lib.crypto import open_sealed
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_department, make_staff
from yimen.ratings.models import Invitation, Opinion, Rating
from yimen.ratings.queries import figures, guide_figures
from yimen.web.kiosk.views import is_old

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def morning(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


@pytest.fixture
def kiosk(settings, tmp_path):
    settings.HOME = tmp_path
    series = make_series()
    make_window(series)
    manager = make_staff(Role.HALL_MANAGER, region=series.hall.region)
    made = setting_up.add_kiosk(
        series.hall, code="k1", name="东门自助机", place="东门入口左边", idle_seconds=45, by=manager, at=NOW
    )
    made.line, made.manager = series, manager
    return made


def with_printer(kiosk, **fields):
    values = {"name": "小票机", "kind": "file", "target": "k1"} | fields
    printer = setting_up.add_printer(kiosk.hall, by=kiosk.manager, at=NOW, **values)
    setting_up.set_kiosk(kiosk.pk, name=kiosk.name, printer=printer, by=kiosk.manager, at=NOW)
    return printer


def fields_of(page, **more):
    return dict(re.findall(r'<input type="hidden" name="(_key)" value="([^"]+)"', page.content.decode())) | more


def send(client, address, **fields):
    return client.post(address, fields_of(client.get(address), **fields))


WAYS = ["", "take/", "progress/", "verify/", "opinion/", "check-in/", "items/", "hall/", "help/", "offline/"]


def test_every_way_opens_without_a_login_and_nothing_is_stored(client, kiosk):
    for way in WAYS:
        answer = client.get(f"/kiosk/k1/{way}")
        text = answer.content.decode()
        assert answer.status_code == 200, way
        assert "no-store" in answer["Cache-Control"] and 'data-idle-seconds="45"' in text and "data-read" in text
        assert django_settings.SESSION_COOKIE_NAME not in answer.cookies


def test_a_kiosk_put_away_is_not_there_and_the_halls_own_stays(client, kiosk):
    setting_up.set_kiosk(kiosk.pk, name="x", is_on=False, by=kiosk.manager, at=NOW)
    assert client.get("/kiosk/k1/").status_code == 404
    assert client.get(f"/kiosk/{kiosk.hall.code}/").status_code == 200


def test_a_kiosk_offers_only_its_series(client, kiosk):
    other = make_series(kiosk.hall, "B", name="不动产")
    setting_up.set_kiosk(kiosk.pk, name="x", series=[other], by=kiosk.manager, at=NOW)
    page = client.get("/kiosk/k1/take/").content.decode()
    assert str(other.pk) in page and str(kiosk.line.pk) not in page
    assert client.get(f"/kiosk/k1/take/{kiosk.line.pk}/").status_code == 404
    assert client.get(f"/kiosk/{kiosk.hall.code}/take/{kiosk.line.pk}/").status_code == 200


def test_language_and_letters_last_for_one_visit(client, kiosk):
    here = "/kiosk/k1/take/"
    assert client.post("/kiosk/k1/look/", {"language": "en", "next": here})["Location"] == here
    client.post("/kiosk/k1/look/", {"flag": "b", "next": here})
    page = client.get(here).content.decode()
    assert 'lang="en"' in page and 'class="kiosk big' in page
    outside = client.post("/kiosk/k1/look/", {"language": "en", "next": "//elsewhere.example/"})
    assert outside["Location"] == "/kiosk/k1/"
    client.force_login(kiosk.manager.user)  # somebody at a desk looks at the kiosk's pages, too
    over = client.get("/kiosk/k1/done/")
    assert {(name, one["path"]) for name, one in over.cookies.items() if one["max-age"] == 0} == {
        ("yimen_kiosk", "/kiosk/"), (django_settings.LANGUAGE_COOKIE_NAME, "/kiosk/"),
    }  # fmt: skip
    assert over["Location"] == "/kiosk/k1/"
    page = client.get(here).content.decode()
    assert 'lang="zh-Hans"' in page and 'class="kiosk"' in page


def test_it_is_seen_to_be_alive(client, kiosk):
    assert client.get("/kiosk/k1/alive/").status_code == 405  # a look changes nothing
    assert client.post("/kiosk/k1/alive/").status_code == 200
    kiosk.refresh_from_db()
    assert kiosk.last_seen_at == NOW


# S0-29


def id_number(born: str) -> str:
    return f"529901{born}001" + ric.calc_check_digit(f"529901{born}0010")


@pytest.mark.capability("S0-29")
@pytest.mark.parametrize(
    ("born", "answer", "care"), [("19500101", "old", "old"), ("19500101", "none", ""), ("19900101", None, "")]
)
def test_at_65_and_more_care_is_offered_and_the_window_sees_the_mark(client, kiosk, born, answer, care):
    address = f"/kiosk/k1/take/{kiosk.line.pk}/"
    first = send(client, address, id_number=id_number(born), phone="0042")
    if answer is None:
        assert first.status_code == 303
    else:
        text = first.content.decode()
        assert first.status_code == 422 and "要不要关爱优先" in text and Ticket.objects.count() == 0
        first = client.post(address, fields_of(first, id_number=id_number(born), phone="0042", care=answer))
        assert first.status_code == 303
    ticket = Ticket.objects.get()
    assert (ticket.care, ticket.is_priority, ticket.phone_last_four) == (care, bool(care), "0042")
    assert ("关爱优先" in client.get(first["Location"]).content.decode()) == bool(care)
    window = kiosk.hall.windows.get()
    client.force_login(window.staff.user)
    client.post("/workbench/window/call", fields_of(client.get("/workbench/window")))
    assert ("老年人" in client.get("/workbench/window").content.decode()) == bool(care)


def test_the_day_somebody_turns_65_counts():
    day = localdate(NOW)
    turned, not_yet = day.replace(year=day.year - 65), day.replace(year=day.year - 65) + timedelta(days=1)
    assert is_old(id_number(f"{turned:%Y%m%d}"), NOW) and not is_old(id_number(f"{not_yet:%Y%m%d}"), NOW)
    assert not is_old("123", NOW)


# S3-21, slips


@pytest.mark.capability("S3-21")
def test_a_ticket_progress_and_a_guide_to_print(client, kiosk, django_capture_on_commit_callbacks, tmp_path):
    case = make_case(department=make_department(kiosk.hall.region))
    ServiceItem.objects.filter(pk=case.item_id).update(published=case.version)
    with_printer(kiosk)
    with django_capture_on_commit_callbacks(execute=True):
        taken = send(client, f"/kiosk/k1/take/{kiosk.line.pk}/", phone="0042")
    assert "小票在下面的出口" in client.get(taken["Location"]).content.decode()
    paper = (tmp_path / "slips" / "k1.bin").read_bytes()
    assert paper.startswith(b"\x1b@\x1dv0") and len(paper) > 10_000
    wrong = client.post("/kiosk/k1/progress/", {"number": case.query_no, "last_four": "0000"})
    assert wrong.status_code == 422 and "没有查到" in wrong.content.decode()
    asked = {
        "number": case.query_no,
        "last_four": open_sealed(bytes(case.applicant.phone_sealed), "applicant.phone")[-4:],
    }
    found = client.post("/kiosk/k1/progress/", asked)
    assert case.query_no in found.content.decode() and case.version.name in found.content.decode()
    assert "no-store" in found["Cache-Control"] and django_settings.SESSION_COOKIE_NAME not in found.cookies
    guide = f"/kiosk/k1/items/{case.item.pk}/"
    assert "打印要带的清单" in client.get(guide).content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        printed = send(client, guide)
    assert "清单在下面的出口" in client.get(printed["Location"]).content.decode()
    assert len((tmp_path / "slips" / "k1.bin").read_bytes()) > len(paper)


def test_a_printer_that_fails_leaves_the_ticket_on_the_glass(client, kiosk, django_capture_on_commit_callbacks):
    printer = with_printer(kiosk, kind="network", target="127.0.0.1:9199")
    with django_capture_on_commit_callbacks(execute=True):
        taken = send(client, f"/kiosk/k1/take/{kiosk.line.pk}/")
    text = client.get(taken["Location"]).content.decode()
    assert "号一样有效" in text and 'class="qr"' in text and "A001" in text
    printer.refresh_from_db()
    assert printer.fault and printer.fault_at == NOW
    client.force_login(kiosk.manager.user)
    assert "打不出来" in client.get("/workbench/machines").content.decode()
    assert reads.faulty_printers(kiosk.hall) == [printer]


def test_a_slow_printer_holds_nobody_longer_than_two_seconds(kiosk, monkeypatch, django_capture_on_commit_callbacks):
    stuck = threading.Event()
    monkeypatch.setattr(printing, "WAIT_SECONDS", 0.05)
    monkeypatch.setattr(printing.receipts, "send", lambda *_a, **_k: stuck.wait(20))
    printer, ticket = with_printer(kiosk), take(kiosk.line)
    with django_capture_on_commit_callbacks(execute=True):
        slip = printing.print_slip(printer, b"x", ticket=ticket, by=PUBLIC, at=NOW)
    stuck.set()
    slip.refresh_from_db()
    assert slip.has_failed


def test_a_slip_is_printed_again_by_staff_and_a_test_page_by_the_manager(
    client, kiosk, django_capture_on_commit_callbacks
):
    printer, ticket = with_printer(kiosk), take(kiosk.line)
    guide = make_staff(Role.GUIDE, region=kiosk.hall.region)
    client.force_login(guide.user)
    page = client.get(f"/workbench/machines/reprint?label={ticket.label.lower()}")
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(
            "/workbench/machines/reprint/now", fields_of(page, label=ticket.label, printer=str(printer.pk))
        )
    assert answer.status_code == 303 and SlipPrint.objects.get().asked_by == guide
    test_page = f"/workbench/machines/printers/{printer.pk}/test"
    assert client.post(test_page, {"_key": str(uuid4())}).status_code == 403
    client.force_login(kiosk.manager.user)
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(test_page, {"_key": str(uuid4())}).status_code == 303
    assert SlipPrint.objects.filter(ticket=None, fault="").count() == 1


@pytest.mark.parametrize(
    ("kind", "target"),
    [("network", "127.0.0.1:22"), ("network", "db"), ("file", "../x"), ("file", "/etc/passwd"), ("file", "")],
)
def test_no_other_service_or_file_is_reached_through_a_printer(kiosk, kind, target):
    with pytest.raises(setting_up.BadKiosk):
        setting_up.add_printer(kiosk.hall, name="x", kind=kind, target=target, by=kiosk.manager, at=NOW)


# S3-30, S0-27


@pytest.mark.capability("S3-30")
def test_any_visitor_leaves_an_opinion_without_login_and_it_is_answered(client, kiosk):
    answer = send(
        client, "/kiosk/k1/opinion/", kind="suggestion", topic="waiting", text="多开一个窗口", phone="13800138000"
    )
    assert answer.status_code == 303 and "谢谢" in client.get(answer["Location"]).content.decode()
    opinion = Opinion.objects.get()
    assert (opinion.kiosk, opinion.topics, opinion.text) == (kiosk, ["waiting"], "多开一个窗口")
    assert b"13800138000" not in bytes(opinion.phone_sealed)
    client.force_login(kiosk.manager.user)
    page = client.get("/workbench/visitor-opinions")
    assert "多开一个窗口" in page.content.decode() and "13800138000" not in page.content.decode()
    shown = client.post(f"/workbench/visitor-opinions/{opinion.pk}/phone", {"reason": "要给他回话"})
    assert "13800138000" in shown.content.decode()
    client.post(f"/workbench/visitor-opinions/{opinion.pk}/close", fields_of(page, answer="明天起开 4 号窗口"))
    opinion.refresh_from_db()
    assert (opinion.state, opinion.phone_sealed) == ("answered", None)


@pytest.mark.parametrize("said", [{"kind": "praise"}, {"kind": "", "text": "好"}, {"kind": "rude", "text": "好"}])
def test_an_opinion_says_something(client, kiosk, said):
    answer = send(client, "/kiosk/k1/opinion/", **said)
    assert answer.status_code == 409 and Opinion.objects.count() == 0


@pytest.mark.capability("S0-27")
def test_a_guides_help_is_noted_in_two_taps_and_rated_on_its_own(client, kiosk):
    guide = make_staff(Role.GUIDE, region=kiosk.hall.region)
    helping.put_on_duty(
        kiosk.hall, guide, from_at=NOW - timedelta(hours=1), until_at=NOW + timedelta(hours=2), by=kiosk.manager, at=NOW
    )
    assert "1 位导办员" in client.get("/kiosk/k1/").content.decode()
    called = send(client, "/kiosk/k1/help/")
    send(client, "/kiosk/k1/help/")
    call = GuideCall.objects.get()
    client.force_login(guide.user)
    page = client.get("/workbench/guides")
    assert "东门入口左边" in page.content.decode()
    client.post("/workbench/guides/go", fields_of(page, call=str(call.pk)))
    noted = client.post("/workbench/guides/note", fields_of(client.get("/workbench/guides"), kind="form"))
    after = client.get(noted["Location"]).content.decode()
    token = Invitation.objects.get(scope="help").token
    assert "评一评您的帮助" in after
    client.logout()
    assert "导办员过来了" in client.get(called["Location"]).content.decode()
    rate = client.get(f"/r/{token}")
    assert "导办员这次帮得怎么样" in rate.content.decode()
    client.post(f"/r/{token}/level", fields_of(rate, level="very_good"))
    assert Rating.objects.get().invitation.staff == guide
    (row,) = guide_figures(kiosk.hall.region_id, NOW.date(), NOW.date())
    assert (row.helps, row.figures.total, row.figures.counts["very_good"]) == (1, 1, 1)
    assert figures(kiosk.hall.region_id, NOW.date(), NOW.date()).total == 0  # visits and matters stay apart


@pytest.mark.parametrize(("first", "second", "fits"), [((9, 12), (12, 15), True), ((9, 12), (11, 15), False)])
def test_nobody_is_on_two_duties_at_once(kiosk, first, second, fits):
    guide = make_staff(Role.GUIDE, region=kiosk.hall.region)
    day = NOW.replace(hour=0, minute=0)

    def put(start, end):
        begin, until = day + timedelta(hours=start), day + timedelta(hours=end)
        helping.put_on_duty(kiosk.hall, guide, from_at=begin, until_at=until, by=kiosk.manager, at=NOW)

    put(*first)
    with nullcontext() if fits else pytest.raises(helping.BadDuty):
        put(*second)


def test_an_appointment_that_is_not_there_says_one_sentence(client, kiosk):
    answer = send(client, "/kiosk/k1/check-in/", number="48271093")
    assert answer.status_code == 409 and "没有查到今天的这个预约" in answer.content.decode()


def test_staff_pages_open(client, kiosk):
    client.force_login(kiosk.manager.user)
    new = f"/workbench/machines/{kiosk.hall.pk}"
    for address in (
        *("/workbench/machines", "/workbench/guides", "/workbench/guides/roster", "/workbench/visitor-opinions"),
        *(f"/workbench/machines/kiosks/{kiosk.pk}", f"{new}/kiosks/new", f"{new}/printers/new", f"{new}/joining"),
    ):
        assert client.get(address).status_code == 200, address


# S0-28


@pytest.mark.capability("S0-28")
def test_each_guide_has_a_plain_version_without_jargon_that_a_button_reads(client, kiosk):
    # Nothing is published without one.
    assert any("大白话说明" in fault for fault in notice_faults([], [], [], "12345", " "))
    assert not notice_faults([], [], [], "12345", "带身份证来就行。")
    version = make_version(department=make_department(kiosk.hall.region), plain_text="带身份证来，当天就好。")
    ServiceItem.objects.filter(pk=version.item_id).update(published=version)
    page = client.get(f"/kiosk/k1/items/{version.item_id}/").content.decode()
    assert "带身份证来，当天就好。" in page and "data-read " in page and "读给我听" in page
