import logging
from hashlib import sha256

import pytest
from django.db import connection, transaction

from yimen.ledger.actions import PUBLIC
from yimen.ledger.models import Event
from yimen.people import actions, identity, queries, reasons
from yimen.people.access import NotAllowed
from yimen.people.actions import ReasonMissing
from yimen.people.models import Applicant, Role, StatedReason
from yimen.people.tests.factories import (
    NOW,
    credit_code,
    make_applicant,
    make_region,
    make_staff,
    outsider,
    phone_number,
    resident_id,
)

pytestmark = pytest.mark.django_db
ID, PHONE, OTHER_PHONE = resident_id(4), "13900000417", "13800000417"


def _register(by, **fields):
    given = {"region": by.region_id, "kind": "person", "name": "王小明", "id_number": ID, "phone": PHONE}
    return actions.register_applicant(**given | fields, by=by, at=NOW)


def test_one_number_is_one_applicant():
    clerk = make_staff(Role.CLERK)
    first = _register(clerk, address="演示路 1 号")
    again = _register(clerk, id_number=f" {ID.lower()} ", name="王晓明", phone=OTHER_PHONE)
    assert first == again
    assert Applicant.objects.count() == 1
    again.refresh_from_db()
    assert (again.name, again.address, again.masked_phone) == ("王晓明", "演示路 1 号", "138****0417")
    assert _register(make_staff(Role.CLERK, region=make_region("440000"))) != first


def test_what_changed_is_in_the_ledger_and_repeats_are_not():
    clerk = make_staff(Role.CLERK)
    applicant = _register(clerk)
    _register(clerk)
    _register(clerk, phone=OTHER_PHONE)  # ends with the same four digits
    rows = Event.objects.filter(stream=applicant.ledger_ref).order_by("seq")
    assert [(row.kind, row.data) for row in rows] == [
        ("people.registered", {"kind": "person"}),
        ("people.updated", {"changed": ["phone"]}),
    ]


@pytest.mark.parametrize("who, may", [("clerk", True), ("outsider", False), ("public", False), ("elsewhere", False)])
def test_only_staff_of_the_region_register_applicants(who, may):
    region = make_region()
    by = {
        "clerk": lambda: make_staff(Role.CLERK),
        "outsider": outsider,
        "public": lambda: PUBLIC,
        "elsewhere": lambda: make_staff(Role.CLERK, region=make_region("440000")),
    }[who]()
    if may:
        assert actions.register_applicant(
            region=region, kind="person", name="王小明", id_number=ID, phone=PHONE, by=by, at=NOW
        )
    else:
        with pytest.raises(NotAllowed):
            actions.register_applicant(
                region=region, kind="person", name="王小明", id_number=ID, phone=PHONE, by=by, at=NOW
            )


@pytest.mark.parametrize("wrong", [{"id_number": ID[:-1]}, {"phone": "12345"}, {"name": " "}])
def test_a_number_that_cannot_exist_is_refused_without_repeating_it(wrong):
    with pytest.raises(identity.InvalidIdentity) as refusal:
        _register(make_staff(Role.CLERK), **wrong)
    assert not any(len(value) > 4 and value in str(refusal.value) for value in wrong.values())


@pytest.mark.parametrize(
    "role, reason, error",
    [
        (Role.CLERK, "核对来电人身份", None),
        (Role.SUPERVISOR, "核对来电人身份", None),
        (Role.CLERK, " 看  ", ReasonMissing),
        (Role.GUIDE, "核对来电人身份", NotAllowed),
        (Role.SYSTEM_ADMIN, "核对来电人身份", NotAllowed),
    ],
)
def test_a_number_is_shown_for_a_reason_and_to_those_with_the_right(role, reason, error):
    applicant, staff = make_applicant(id_number=ID, phone=PHONE), make_staff(role)
    shown = Event.objects.filter(kind="people.revealed")
    if error:
        with pytest.raises(error):
            actions.reveal(applicant, "id", reason=reason, by=staff, at=NOW)
        assert not shown.exists()
    else:
        assert actions.reveal(applicant, "id", reason=reason, by=staff, at=NOW) == ID
        assert actions.reveal(applicant, "phone", reason=reason, by=staff, at=NOW) == PHONE
        assert [row.data["field"] for row in shown.order_by("seq")] == ["id", "phone"]
        assert {row.actor for row in shown} == {staff.ledger_ref}
        # His words stand beside the ledger, sealed; the row says where and what they hash to.
        said = reasons.said_in(f"applicant:{applicant.pk}")
        assert [(one.text, one.by, one.kind) for one in said] == [(reason, staff.ledger_ref, "people.revealed")] * 2
        for row in shown:
            assert reason not in str(row.data) and row.data["reason_length"] == len(reason)
            text = f"{row.data['reason']}:{reason}"
            assert row.data["reason_sha256"] == sha256(text.encode()).hexdigest()
        assert not StatedReason.objects.filter(text_sealed__contains=reason.encode()).exists()


def test_a_number_of_another_region_is_not_shown():
    applicant = make_applicant()
    with pytest.raises(NotAllowed):
        actions.reveal(
            applicant, "id", reason="核对来电人身份", by=make_staff(Role.CLERK, region=make_region("440000")), at=NOW
        )


@pytest.mark.django_db(transaction=True)
def test_nobody_can_undo_the_row_and_keep_the_number():
    applicant, clerk = make_applicant(), make_staff(Role.CLERK)
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        actions.reveal(applicant, "id", reason="核对来电人身份", by=clerk, at=NOW)
    # the row is written before the number is opened: a number that does not open leaves it too
    actions.reveal(applicant, "id", reason="核对来电人身份", by=clerk, at=NOW)
    assert Event.objects.filter(kind="people.revealed").count() == 1


def test_numbers_are_nowhere_in_clear(caplog):
    caplog.set_level(logging.DEBUG)
    clerk = make_staff(Role.CLERK)
    firm_code = credit_code(417)
    person, firm = _register(clerk), _register(clerk, kind="firm", name="演示商贸有限公司", id_number=firm_code)
    actions.reveal(person, "id", reason="核对来电人身份", by=clerk, at=NOW)
    queries.find_applicant(clerk, "person", ID)
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        tables = [name for (name,) in cursor]
        dump = b""
        for table in tables:
            with cursor.copy(f'COPY "{table}" TO STDOUT') as rows:
                dump += b"".join(bytes(part) for part in rows)
    assert str(person.pk).encode() in dump
    texts = [dump.decode(), caplog.text]
    texts += [f"{one!r} {one} {one.__dict__}" for one in (person, firm)]
    for text in texts:
        for number in (ID, PHONE, firm_code):
            assert number not in text
            assert number.encode().hex() not in text


def test_masks_are_what_pages_show():
    person = make_applicant(id_number=ID, phone=PHONE)
    assert (str(person), person.masked_id, person.masked_phone) == (
        "王*明",
        f"{ID[:3]}{'*' * 13}{ID[-2:]}",
        "139****0417",
    )
    assert person.phone_ends_with("0417")
    assert not person.phone_ends_with("417")
    assert phone_number(7) == "13900000007"
