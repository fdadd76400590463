"""Applying on line: drafts, sending, answering, being believed; through the real actions on a real database."""

from __future__ import annotations

import io
import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.utils import timezone
from django.utils.timezone import localdate

from yimen.cases import actions, telling
from yimen.cases.actions import applying, messages, uploads
from yimen.cases.models import ApplicationDraft, Case, CaseMaterial, Upload
from yimen.cases.queries import applying as drafts
from yimen.cases.queries.messages import messages_of
from yimen.cases.rules.applying import is_online, other_ways
from yimen.cases.tests.factories import make_case, make_version
from yimen.catalog.models import ItemForm, ItemMaterial, ItemVersion
from yimen.catalog.rules.forms import Field, schema_of
from yimen.ledger.models import Event
from yimen.lib.tests import files
from yimen.lib.uploads import Refused, WrongOffset
from yimen.notify.models import Delivery, Message
from yimen.people import citizens
from yimen.people.access import NotAllowed
from yimen.people.models import Account, Applicant, Role
from yimen.people.tests.factories import (
    NOW,
    make_applicant,
    make_center,
    make_department,
    make_region,
    make_staff,
    phone_number,
    resident_id,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("alone")]
TODAY = localdate(NOW)
FIELDS = [
    Field("applicant_name", "申请人", "person_name", is_required=True, prefill="applicant.name"),
    Field("shop", "店名", is_required=True, prefill="earlier"),
    Field("area", "面积", "integer", minimum=1),
]


@pytest.fixture(autouse=True)
def store(settings, tmp_path):
    settings.UPLOADS = tmp_path / "uploads"
    return settings.UPLOADS


def online_version(**fields) -> ItemVersion:
    version = make_version(channels=["窗口办理", "网上办理"], online_depth="互联网办理", **fields)
    ItemForm.objects.create(version=version, position=1, key="apply", title="申请表", schema=schema_of(FIELDS))
    ItemMaterial.objects.filter(version=version, name="申请表").update(form_key="apply")
    return version


def sign_up(n: int, **fields) -> Account:
    defaults = {
        "region": make_region(),
        "kind": Applicant.Kind.PERSON,
        "name": "林小满",
        "id_number": resident_id(n),
        "phone": phone_number(n),
        "username": f"citizen{n}",
        "password": "only-for-tests-1",
        "at": NOW,
    }
    return citizens.sign_up(**(defaults | fields))


def a_file(name: str = "身份证.pdf", data: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, files.pdf() if data is None else data)


def upload(draft: ApplicationDraft, name: str = "身份证", **fields) -> Upload:
    material = draft.version.materials.get(name=name)
    values = {"owner": draft.applicant, "region": draft.region_id, "draft": draft, "material": material, "at": NOW}
    return uploads.take(fields.pop("file", a_file()), **(values | fields))


def ready(me: Applicant, version: ItemVersion) -> ApplicationDraft:
    draft = applying.begin(version, me, at=NOW)
    draft = applying.save(draft.pk, edition=1, typed={"shop": "一碗面", "area": "60"}, by=me, at=NOW)
    upload(draft)
    return draft


def submit(draft: ApplicationDraft, **fields) -> Case:
    values = {"edition": draft.edition, "by": draft.applicant, "at": NOW}
    return applying.submit(draft.pk, center=make_center(draft.version.item.region), **(values | fields))


@pytest.mark.parametrize(
    "channels, depth, online",
    [
        (["窗口办理"], "", False),
        (["窗口办理"], "互联网咨询", False),
        (["窗口办理", "网上办理"], "", True),
        (["窗口办理"], "互联网受理", True),
    ],
    ids=["window", "advice", "channel", "depth"],
)
def test_the_items_list_says_whether_it_can_be_done_on_line(channels, depth, online):
    assert is_online(channels, depth) is online
    assert other_ways(channels) == ["窗口办理"]  # never forced (LAW-24)


def test_an_application_is_sent_once_and_has_its_receipt_at_once():
    me = sign_up(1).applicant
    draft = ready(me, online_version())
    case = submit(draft)
    assert (case.status, case.channel, case.applicant_id, case.received_by) == ("received", "web", me.pk, None)
    assert case.notices.get().kind == "receipt"
    states = {row.material.name: (row.state, row.form) for row in case.materials.select_related("material")}
    assert states["身份证"] == ("complete", "electronic")
    assert states["营业执照"][0] == "complete"  # shared, never asked
    assert case.uploads.count() == 1
    assert submit(draft).pk == case.pk  # a second click, a replay
    assert Case.objects.filter(applicant=me).count() == 1
    assert Event.objects.filter(kind="draft.submitted").count() == 1


def test_two_clicks_at_once_make_one_case(transactional_db):
    me = sign_up(2).applicant
    draft = ready(me, online_version())
    center = make_center(me.region)
    found, errors = [], []

    def press() -> None:
        try:
            found.append(applying.submit(draft.pk, edition=draft.edition, center=center, by=me, at=NOW).pk)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=press) for _n in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not errors
    assert len(found) == 4 and len(set(found)) == 1


def test_nothing_is_sent_while_something_is_missing_and_all_of_it_is_named():
    me = sign_up(3).applicant
    draft = applying.begin(online_version(), me, at=NOW)
    with pytest.raises(applying.NotReady) as forms:
        submit(draft)
    assert forms.value.step == "forms"
    draft = applying.save(draft.pk, edition=1, typed={"shop": "一碗面"}, by=me, at=NOW)
    with pytest.raises(applying.NotReady, match="身份证") as materials:
        submit(draft)
    assert materials.value.step == "materials"
    assert not Case.objects.filter(applicant=me).exists()


def test_a_paper_may_still_be_brought_to_the_window():
    me = sign_up(4).applicant
    version = online_version()
    draft = applying.begin(version, me, at=NOW)
    identity = str(version.materials.get(name="身份证").pk)
    draft = applying.save(draft.pk, edition=1, typed={"shop": "一碗面"}, handing={identity: "paper"}, by=me, at=NOW)
    case = submit(draft)
    assert case.materials.get(material__name="身份证").state == CaseMaterial.State.MISSING


def test_everything_typed_is_kept_right_or_wrong_and_only_what_the_form_asks():
    me = sign_up(5).applicant
    draft = applying.begin(online_version(), me, at=NOW)
    typed = {"shop": "一碗面", "area": "六十", "applicant_name": "别人", "strange": "x"}
    draft = applying.save(draft.pk, edition=1, typed=typed, by=me, at=NOW)
    again = drafts.draft_for(me, draft.pk)
    assert drafts.content_of(again).typed["area"] == "六十"
    assert "strange" not in drafts.content_of(again).typed
    assert b"\xe4\xb8\x80" not in bytes(again.forms_sealed)  # sealed
    assert [fault.name for fault in drafts.filling(again, on=TODAY).faults] == ["area"]


def test_two_tabs_never_overwrite_each_other_silently():
    me = sign_up(6).applicant
    draft = applying.begin(online_version(), me, at=NOW)
    applying.save(draft.pk, edition=1, typed={"shop": "一碗面"}, by=me, at=NOW)
    with pytest.raises(applying.OtherTab) as other:
        applying.save(draft.pk, edition=1, typed={"shop": "两碗面"}, by=me, at=NOW)
    assert drafts.content_of(other.value.draft).typed == {"shop": "一碗面"}
    same = applying.save(draft.pk, edition=1, typed={"shop": "一碗面"}, by=me, at=NOW)  # the answer was lost
    assert same.edition == 2
    newest = applying.save(draft.pk, edition=2, typed={"shop": "两碗面"}, by=me, at=NOW)
    assert drafts.content_of(newest).typed["shop"] == "两碗面"


def test_a_draft_is_thrown_away_and_taken_back_with_its_files():
    me = sign_up(7).applicant
    draft = ready(me, online_version())
    applying.delete(draft.pk, by=me, at=NOW)
    assert drafts.draft_for(me, draft.pk) is None
    with pytest.raises(applying.NoDraft):
        applying.save(draft.pk, edition=2, typed={}, by=me, at=NOW)
    back = applying.restore(draft.pk, by=me, at=NOW + timedelta(days=6))
    assert drafts.filling(back, on=TODAY).lines[1].how == "uploaded"
    applying.delete(draft.pk, by=me, at=NOW)
    with pytest.raises(applying.NoDraft):
        applying.restore(draft.pk, by=me, at=NOW + timedelta(days=8))


def test_a_newer_edition_is_told_and_what_fits_is_carried_over():
    me = sign_up(8).applicant
    old = online_version()
    draft = ready(me, old)
    new = ItemVersion.objects.create(
        item=old.item, number=2, state="draft", name=old.name, channels=old.channels, online_depth=old.online_depth,
        case_type=old.case_type, promised_limit=7, statutory_limit=20,
    )  # fmt: skip
    ItemMaterial.objects.create(version=new, position=1, name="身份证")
    ItemMaterial.objects.create(version=new, position=2, name="租赁合同")
    ItemForm.objects.create(version=new, position=1, key="apply", title="申请表", schema=schema_of(FIELDS[:2]))
    ItemVersion.objects.filter(pk=old.pk).update(state="retired")
    ItemVersion.objects.filter(pk=new.pk).update(state="published")
    old.item.published = new
    old.item.save(update_fields=["published"])
    draft = drafts.draft_for(me, draft.pk)
    said = "".join(drafts.what_changed(draft))
    assert "租赁合同" in said and "营业执照" in said and "面积" in said and "7" in said
    with pytest.raises(applying.Outdated):
        submit(draft)
    renewed = applying.renew(draft.pk, by=me, at=NOW)
    filling = drafts.filling(renewed, on=TODAY)
    assert filling.content.typed == {"shop": "一碗面"}
    assert {line.material.name: line.how for line in filling.lines} == {"身份证": "uploaded", "租赁合同": ""}
    assert applying.renew(draft.pk, by=me, at=NOW).edition == renewed.edition


def test_what_he_handed_in_before_is_offered_and_taken_again():
    me = sign_up(9).applicant
    version = online_version()
    submit(ready(me, version))
    draft = applying.begin(version, me, at=NOW + timedelta(days=1))
    filling = drafts.filling(draft, on=TODAY)
    assert filling.content.typed == {"shop": "一碗面", "area": "60"}  # prefilled from the earlier one
    line = filling.lines[1]
    handing = {str(line.material.pk): f"reuse:{line.earlier[0].pk}"}
    draft = applying.save(draft.pk, edition=1, handing=handing, by=me, at=NOW)
    case = submit(draft, at=NOW + timedelta(days=1))
    assert case.materials.get(material=line.material).reused_from == line.earlier[0]


def test_only_for_oneself():
    version = online_version()
    me, other = sign_up(10).applicant, sign_up(11).applicant
    with pytest.raises(NotAllowed):
        actions.receive(version, other, center=make_center(), materials={}, by=me, at=NOW, channel=Case.Channel.WEB)
    with pytest.raises(NotAllowed):
        actions.receive(version, me, center=make_center(), materials={}, by=me, at=NOW)  # no window of one's own
    draft = ready(me, version)
    mine = draft.uploads.get()
    for act in (
        lambda: applying.save(draft.pk, edition=2, typed={}, by=other, at=NOW),
        lambda: applying.delete(draft.pk, by=other, at=NOW),
        lambda: applying.restore(draft.pk, by=other, at=NOW),
        lambda: applying.renew(draft.pk, by=other, at=NOW),
        lambda: submit(draft, by=other),
    ):
        with pytest.raises(applying.NoDraft):
            act()
    with pytest.raises(Exception, match="找不到"):
        uploads.remove(mine.pk, by=other, at=NOW)
    assert drafts.draft_for(other, draft.pk) is None
    assert drafts.upload_for(other.ledger_ref, mine.pk) is None
    assert drafts.upload_for(me.ledger_ref, mine.pk) == mine


# Files


def test_a_file_in_pieces_goes_on_where_it_stopped():
    me = sign_up(20).applicant
    draft = applying.begin(online_version(), me, at=NOW)
    data, place = files.pdf(3), {"owner": me, "region": me.region_id, "draft": draft, "at": NOW}
    first = uploads.start("a.pdf", len(data), **place)
    uploads.add(first.pk, 0, io.BytesIO(data[:100]), by=me)
    again = uploads.start("a.pdf", len(data), **place)  # the page was closed meanwhile
    assert (again.pk, again.received) == (first.pk, 100)
    with pytest.raises(WrongOffset) as wrong:
        uploads.add(first.pk, 200, io.BytesIO(data[200:]), by=me)
    assert wrong.value.at == 100
    with pytest.raises(WrongOffset):
        uploads.finish(first.pk, by=me, at=NOW)
    uploads.add(first.pk, 100, io.BytesIO(data[100:]), by=me)
    done = uploads.finish(first.pk, by=me, at=NOW)
    assert (done.state, done.kind, done.size) == ("ready", "pdf", len(data))
    assert uploads.finish(first.pk, by=me, at=NOW).sha256 == done.sha256
    with uploads.open_file(done) as file:
        assert file.read() == data
    assert uploads.name_of(done) == "a.pdf"
    assert b"a.pdf" not in bytes(done.name_sealed)


def test_what_is_refused_leaves_no_file_and_says_why(store, django_capture_on_commit_callbacks):
    me = sign_up(21).applicant
    draft = applying.begin(online_version(), me, at=NOW)
    with pytest.raises(Refused):
        upload(draft, file=a_file("a.pdf", files.HTML))
    begun = uploads.start("a.pdf", len(files.HTML), owner=me, region=me.region_id, draft=draft, at=NOW)
    uploads.add(begun.pk, 0, io.BytesIO(files.HTML), by=me)
    with django_capture_on_commit_callbacks(execute=True):
        done = uploads.finish(begun.pk, by=me, at=NOW)
    assert (done.state, done.fault) == ("refused", "kind")
    assert not [path for path in store.rglob("*") if path.is_file()]


def test_all_files_together_have_a_limit(settings):
    settings.UPLOAD_TOTAL_BYTES = len(files.pdf()) + 10
    me = sign_up(22).applicant
    draft = applying.begin(online_version(), me, at=NOW)
    upload(draft)
    with pytest.raises(uploads.TooMuch):
        upload(draft)
    settings.UPLOAD_MAX_BYTES = 10
    with pytest.raises(Refused):
        upload(draft)


def head(draft: ApplicationDraft) -> bytes:
    with uploads.open_file(draft.uploads.get()) as file:
        return file.read(5)


def test_loose_files_go_after_days_and_nothing_else(store, django_capture_on_commit_callbacks):
    me = sign_up(23).applicant
    version = online_version()
    sent, kept, gone = ready(me, version), ready(me, version), ready(me, version)
    submit(sent)
    applying.delete(gone.pk, by=me, at=NOW)
    with django_capture_on_commit_callbacks(execute=True):
        assert uploads.remove_loose(at=NOW + timedelta(days=29)) == 0
        assert uploads.remove_loose(at=NOW + timedelta(days=31)) == 1
    assert gone.uploads.get().removed_at is not None
    assert head(kept) == b"%PDF-"
    stray = uploads.store()
    pk = uuid4()
    stray.add(pk, 0, io.BytesIO(b"lost"), most=10)
    assert uploads.sweep(at=NOW) == 0  # the clock of the test stands before the file's
    assert uploads.sweep(at=timezone.now() + timedelta(days=2)) == 1
    assert head(kept) == b"%PDF-"


def test_what_was_handed_in_cannot_be_taken_away():
    me = sign_up(24).applicant
    case = submit(ready(me, online_version()))
    with pytest.raises(Exception, match="已经交上去了"):
        uploads.remove(case.uploads.get().pk, by=me, at=NOW)


# Being believed


def a_known_person(n: int) -> Case:
    version = make_version()
    known = make_applicant(id_number=resident_id(n), phone=phone_number(n), name="林小满")
    clerk = make_staff(Role.CLERK, department=make_department(), for_region=True)
    return actions.receive(version, known, center=make_center(), materials={}, by=clerk, at=NOW)


def test_whoever_only_says_a_number_sees_nothing_of_its_owner():
    case = a_known_person(30)
    account = sign_up(30)  # the very number and telephone
    assert account.applicant_id != case.applicant_id
    assert not drafts.my_cases(account.applicant).exists()
    assert drafts.own_case(account.applicant, case.query_no) is None
    unknown = sign_up(31)
    assert (account.level, unknown.level) == ("declared", "declared")  # the answer is the same
    # and the window, which looks up the number, finds the one it registered, not whoever signed up
    again = make_applicant(id_number=resident_id(31), phone=phone_number(31))
    assert again.pk != unknown.applicant_id
    assert again.user_id is None


def test_a_window_believes_the_paper_and_both_become_one():
    case, account = a_known_person(32), sign_up(32)
    draft = ready(account.applicant, online_version())
    clerk = make_staff(Role.CLERK)
    with pytest.raises(citizens.NotTheSame):
        applying.confirm_account(account.check_code, resident_id(33), by=clerk, at=NOW)
    with pytest.raises(NotAllowed):
        applying.confirm_account(account.check_code, resident_id(32), by=make_staff(Role.EDITOR), at=NOW)
    linked = applying.confirm_account(account.check_code, resident_id(32), by=clerk, at=NOW)
    assert (linked.level, linked.applicant_id) == ("checked", case.applicant_id)
    assert linked.check_code != account.check_code
    me = Applicant.objects.get(pk=case.applicant_id)
    assert list(drafts.my_cases(me)) == [case]
    assert drafts.draft_for(me, draft.pk) is not None
    assert drafts.upload_for(me.ledger_ref, draft.uploads.get().pk) is not None


def test_a_window_makes_an_unknown_person_known():
    account, clerk = sign_up(34), make_staff(Role.CLERK)
    applying.confirm_account(account.check_code, resident_id(34), by=clerk, at=NOW)
    again = make_applicant(id_number=resident_id(34), phone=phone_number(34))
    assert again.pk == account.applicant_id


@pytest.mark.parametrize("wrong", ["", "number", "phone", "identity", "name", "taken"])
def test_a_case_proves_who_one_is_only_when_everything_fits(wrong):
    n = 40 + len(wrong)
    case = a_known_person(n)
    account = sign_up(
        n, **({"id_number": resident_id(99)} if wrong == "identity" else {"name": "别人"} if wrong == "name" else {})
    )
    if wrong == "taken":
        first = sign_up(n, username="first")
        applying.prove_by_case(first, case.query_no, phone_number(n), asker="10.0.0.1", at=NOW)
    number = "AAA-261118-00999" if wrong == "number" else case.query_no
    phone = "1" + phone_number(n)[1:7] + "9999" if wrong == "phone" else phone_number(n)
    if wrong:
        with pytest.raises(citizens.NotTheSame, match="没有对上"):
            applying.prove_by_case(account, number, phone, asker="10.0.0.1", at=NOW)
        assert Account.objects.get(pk=account.pk).level == "declared"
    else:
        assert applying.prove_by_case(account, number, phone, asker="10.0.0.1", at=NOW).level == "checked"


# Messages


def test_applicant_and_handler_write_to_each_other_sealed():
    me = sign_up(50).applicant
    case = submit(ready(me, online_version()))
    clerk = make_staff(Role.CLERK, department=case.department)
    paper = uploads.take(a_file(), owner=me, region=me.region_id, case=case, at=NOW)
    messages.write(case.pk, "要带什么吗？", by=me, uploads=[paper.pk], at=NOW)
    assert messages_of(case)[0].is_unread
    messages.write(case.pk, "不用带。", by=clerk, at=NOW + timedelta(minutes=5))
    first, second = messages_of(case)
    assert (first.text, first.is_staff, first.is_unread, first.files[0].name) == (
        "要带什么吗？",
        False,
        False,
        "身份证.pdf",
    )
    assert (second.is_staff, second.is_unread) == (True, True)
    assert messages.read(case.pk, by=me, at=NOW) == 1
    event = Event.objects.filter(kind="case.message_sent").first()
    assert "要带什么" not in str(event.data)
    # a message is no correction: nothing of the case has moved
    assert Case.objects.get(pk=case.pk).status == "received"
    assert not hasattr(case, "correction")


def test_nobody_else_writes_or_reads():
    me, other = sign_up(51).applicant, sign_up(52).applicant
    case = submit(ready(me, online_version()))
    strange = make_staff(Role.CLERK)
    for somebody in (other, strange, make_staff(Role.EDITOR, department=case.department)):
        with pytest.raises(NotAllowed):
            messages.write(case.pk, "在吗", by=somebody, at=NOW)
        with pytest.raises(NotAllowed):
            messages.read(case.pk, by=somebody, at=NOW)
    for text in ("", "  ", "长" * 2001):
        with pytest.raises(messages.EmptyMessage):
            messages.write(case.pk, text, by=me, at=NOW)


# News


@pytest.mark.capability("S1-32", "S2-9")
def test_a_case_from_sofa_to_result_without_a_visit_and_told_within_five_minutes(transactional_db):
    """The item is finished with zero visits; the finish sends a message within five minutes and stores proof."""
    me = sign_up(60).applicant
    version = online_version(immediate=True)
    version.item.refresh_from_db()
    case = submit(ready(me, version))
    clerk = make_staff(Role.CLERK, department=case.department)
    actions.accept(case.pk, by=clerk, at=NOW + timedelta(minutes=10))
    finished = NOW + timedelta(minutes=20)
    actions.decide(case.pk, outcome="granted", by=clerk, at=finished)
    actions.deliver(case.pk, how="electronic", receiver="", by=clerk, at=finished + timedelta(seconds=1))
    minute = finished + timedelta(minutes=1)
    while telling.tell_new(at=minute):
        pass
    case.refresh_from_db()
    assert (case.status, case.visit_days) == ("delivered", [])
    told = Message.objects.get(applicant=me, occasion__startswith="case.decided:")
    proof = told.deliveries.get(channel="in_app")
    assert proof.is_delivered and proof.done_at - finished <= timedelta(minutes=5)
    assert told.deliveries.filter(channel="outbox").exists()
    kinds = {one.occasion.partition(":")[0] for one in Message.objects.filter(applicant=me)}
    assert kinds >= {"case.received", "case.accepted", "case.decided", "case.delivered"}
    assert "林小满" not in "".join(one.text + one.subject for one in Message.objects.filter(applicant=me))
    before = (Message.objects.count(), Delivery.objects.count())
    for event in Event.objects.filter(stream=case.stream):
        telling.tell_of(event, at=minute)  # followed again from the beginning
    assert (Message.objects.count(), Delivery.objects.count()) == before


def test_the_job_for_news_runs_every_minute():
    from procrastinate.contrib.django import app

    crons = {task.task.name: task.cron for task in app.periodic_registry.periodic_tasks.values()}
    assert crons[telling.NAME] == "* * * * *"


def test_nobody_is_told_old_news_and_a_handlers_message_goes_out(transactional_db):
    case = make_case()
    while telling.tell_new(at=NOW + timedelta(days=4)):
        pass
    assert not Message.objects.exists()
    clerk = make_staff(Role.CLERK, department=case.department)
    messages.write(case.pk, "请看一下补正告知书。", by=clerk, at=NOW + timedelta(days=4))
    while telling.tell_new(at=NOW + timedelta(days=4)):
        pass
    told = Message.objects.get()
    assert told.case_no == case.case_no
    assert sorted(one.channel for one in told.deliveries.all()) == ["in_app", "outbox"]
    assert "补正告知书" not in told.text


def test_files_from_before_are_sealed_by_the_job_and_one_that_fails_keeps_no_other_waiting():
    me = make_applicant()
    kept = [uploads.take(a_file(), owner=me, region=me.region_id, at=NOW) for _n in range(2)]
    plain = []
    for one in kept:
        with uploads.open_file(one) as file:
            plain.append(file.read())
    here = uploads.store()
    here.path(kept[0].pk).write_bytes(plain[0])
    here.path(kept[1].pk).write_bytes(b"YMSEALED" + bytes(40))  # of a key that is not here
    assert uploads.reseal_all() == 1
    with uploads.open_file(kept[0]) as file:
        assert file.read() == plain[0]
    assert plain[0][:8] not in here.path(kept[0].pk).read_bytes()
