"""One look-up asks every register, by name and number together, and is written down."""

from types import SimpleNamespace

import pytest
from django.test import Client
from django.utils import timezone

from yimen.commands import register as command
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.people import access
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_department, make_region, make_staff
from yimen.registers import actions, sources
from yimen.registers.models import Entry, LookUp, Register

pytestmark = pytest.mark.django_db
NUMBER, NAME, WHAT_FOR = "500101198503040005", "查小房", "学区划分，本人申请"


@pytest.fixture
def office():
    region = make_region()
    organ = make_department(region)
    books = []
    for code, columns, rows in (
        ("estate", [("number", "证号"), ("place", "坐落")], [{"number": "第 1 号", "place": "文昌路 8 号"}]),
        ("files", [("file", "档案号")], [{"file": "0456"}, {"file": "0457"}]),
    ):
        book = actions.open_register(
            region=region, code=code, name=code, department=organ, columns=columns, by=SYSTEM, at=NOW
        )
        actions.renew(book, [{"id_number": NUMBER, "name": NAME, **row} for row in rows], by=SYSTEM, at=NOW)
        books.append(book)
    clerk = make_staff(Role.CLERK, region=region)
    return SimpleNamespace(region=region, organ=organ, books=books, clerk=clerk)


def ask(office, **said):
    values = {"id_number": NUMBER, "name": NAME, "purpose": WHAT_FOR, "by": office.clerk} | said
    return actions.look_up(**values, at=NOW, region=office.region.pk)


@pytest.mark.capability("S0-9")
def test_one_page_returns_both_registers(office, client, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    client = Client()
    client.force_login(office.clerk.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    said = {"name": NAME, "id_number": NUMBER, "purpose": WHAT_FOR}
    page = client.post("/workbench/registers", said).content.decode()
    assert all(words in page for words in ("文昌路 8 号", "0456", "0457"))
    assert "没有登记" in client.post("/workbench/registers", said | {"name": "别的人"}).content.decode()
    assert client.post("/workbench/registers", said | {"purpose": ""}).status_code == 400


def test_name_and_number_must_both_be_the_owners(office):
    assert [len(answer.rows) for answer in ask(office)] == [1, 2]
    assert [len(answer.rows) for answer in ask(office, id_number=" 50010119850304 0005 ")] == [1, 2]
    assert [answer.rows for answer in ask(office, name="查大房")] == [[], []]
    assert [answer.rows for answer in ask(office, id_number="500101198503040013")] == [[], []]


def test_who_asked_what_for_is_kept_and_the_person_is_not(office):
    ask(office)
    noted, row = LookUp.objects.get(), Event.objects.get(kind="registers.looked_up")
    assert noted.staff == office.clerk
    assert row.data == {"look_up": str(noted.pk), "registers": ["estate", "files"]}
    assert NUMBER not in str(row.data) and NAME not in str(row.data)
    entry = Entry.objects.first()
    assert NAME.encode() not in bytes(entry.owner_sealed) and "文昌路".encode() not in bytes(entry.values_sealed)


@pytest.mark.parametrize("said", [{"name": " "}, {"id_number": ""}, {"purpose": "查"}, {"purpose": "长" * 121}])
def test_a_question_without_person_or_purpose_is_refused_and_not_asked(office, said):
    with pytest.raises(actions.NotAsked):
        ask(office, **said)
    assert not LookUp.objects.exists()


@pytest.mark.parametrize("role", [Role.GUIDE, Role.SYSTEM_ADMIN, Role.HALL_MANAGER])
def test_only_those_who_receive_or_review_look_up(office, role):
    with pytest.raises(access.NotAllowed):
        ask(office, by=make_staff(role, region=office.region))
    with pytest.raises(access.NotAllowed):
        ask(office, by=make_staff(Role.CLERK, region=make_region("500101")))


def test_a_register_that_cannot_be_asked_does_not_hide_the_others(office, monkeypatch):
    class Broken:
        def ask(self, register, **_person):
            if register.code == "estate":
                raise TimeoutError
            return sources.Copy().ask(register, **_person)

    monkeypatch.setitem(sources.SOURCES, "copy", Broken())
    first, second = ask(office)
    assert (first.away, first.rows, second.away, len(second.rows)) == (True, [], False, 2)


def test_a_new_copy_is_taken_whole_or_not_at_all(office):
    book = office.books[1]
    good = {"id_number": NUMBER, "name": NAME, "file": "9"}
    with pytest.raises(actions.BadRegister, match="2"):
        actions.renew(book, [good, good | {"name": ""}], by=SYSTEM, at=NOW)
    assert Entry.objects.filter(register=book).count() == 2
    actions.renew(book, [good], by=SYSTEM, at=NOW)
    assert [answer.rows for answer in ask(office)][1] == [["9"]]


@pytest.mark.parametrize(
    "bad", [{"columns": []}, {"columns": [("a", "甲"), ("a", "乙")]}, {"name": " "}, {"code": "estate"}]
)
def test_a_register_without_columns_name_or_its_own_code_is_refused(office, bad):
    said = {"code": "new", "name": "新登记簿", "columns": [("a", "甲")]} | bad
    with pytest.raises(actions.BadRegister):
        actions.open_register(region=office.region, department=office.organ, by=SYSTEM, at=NOW, **said)


def test_the_command_takes_a_list_over_and_renews_it(office, tmp_path, capsys):
    path = tmp_path / "estate.csv"
    path.write_text(f"证件号码,姓名,坐落\n{NUMBER},{NAME},东门巷 3 号\n", encoding="utf-8")
    common = {"file": path, "code": "lanes", "name": "巷道登记", "department": office.organ.code}
    said = SimpleNamespace(**common, region=office.region.pk)
    assert command.run(said) == 0
    assert ask(office)[2].rows == [["东门巷 3 号"]]
    path.write_text("证件号码,坐落\n1,东门巷 3 号\n", encoding="utf-8")
    with pytest.raises(command.WrongFile, match="姓名"):
        command.run(said)
    assert Register.objects.filter(code="lanes").count() == 1
