"""The archive: one file a case that proves itself, kept by rules, deleted by two hands (CERT-10, LAW-30)."""

import hashlib
import json
import subprocess
import sys
import threading
import zipfile
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.utils.timezone import localdate

from yimen.cases import actions
from yimen.cases.actions import archiving, sealing
from yimen.cases.actions.common import WrongStep
from yimen.cases.documents import archive as packed
from yimen.cases.documents import store
from yimen.cases.models import ArchivePackage, Notice, RetentionRule, Upload
from yimen.cases.tests.factories import make_case, make_version
from yimen.certificates import seals
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.lib.uploads import Store
from yimen.people.access import NotAllowed
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_department, make_region, make_staff

LATER = NOW + timedelta(days=20)
SCAN = b"%PDF-1.7 a scan"


@pytest.fixture(autouse=True)
def _home(settings, tmp_path):
    settings.HOME, settings.SIGNER, settings.UPLOADS = tmp_path, "demo", tmp_path / "uploads"


def finished(*, sealed=False, version=None):
    """A delivered immediate case."""
    case = make_case(version=version or make_version(immediate=True))
    clerk = case.received_by
    if sealed:
        for name in ("收件专用章", "行政审批专用章"):
            seals.register(case.department, name=name, code=name, valid_from=localdate(NOW), by=SYSTEM, at=NOW)
    actions.accept(case.pk, by=clerk, at=NOW)
    actions.decide(case.pk, outcome="granted", by=clerk, at=NOW)
    actions.deliver(case.pk, how="window", receiver="本人", by=clerk, at=NOW)
    sealing.seal_waiting(at=NOW)
    case.refresh_from_db()
    return case


def upload(case, content=SCAN):
    row = Upload.objects.create(
        region_id=case.region_id, owner="public", case=case, name_sealed=b"x", kind="pdf", size=len(content),
        received=len(content), sha256=hashlib.sha256(content).hexdigest(), state=Upload.State.READY, made_at=NOW,
    )  # fmt: skip
    path = Store(store.root().parent / "uploads").path(row.pk)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return row


def keep(case):
    return archiving.archive(case.pk, by=SYSTEM, at=LATER)


@pytest.mark.django_db
@pytest.mark.capability("CERT-10", "LAW-30")
def test_a_finished_case_becomes_one_file_with_everything_in_it():
    case = finished(sealed=True)
    upload(case)
    row = keep(case)
    path = store.path_of(row.path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == row.sha256 and path.stat().st_size == row.size
    report = packed.verify(path)
    assert report.fault is None and report.sha256 == row.sha256
    kinds = [notice.kind for notice in case.notices.all()]
    assert (report.document_count, report.sealed_count, row.notice_count) == (len(kinds),) * 3
    with zipfile.ZipFile(path) as package:
        names = package.namelist()
        assert package.read("materials/001.pdf") == SCAN
        rows = json.loads(package.read("ledger.json"))
        assert package.read("index.pdf")[:5] == b"%PDF-"
    assert len([name for name in names if name.startswith("documents/")]) == len(kinds)
    before = Event.objects.filter(stream=case.stream).exclude(kind="case.archived").order_by("seq")
    assert [one["kind"] for one in rows] == list(before.values_list("kind", flat=True))
    assert rows[-1]["hash"] == row.head and row.number.endswith("档〔2026〕1号")
    assert Event.objects.get(kind="case.archived").data["sha256"] == row.sha256
    trusted = packed.verify(path, trusted=seals.certificates_of(case.region_id))
    assert trusted.fault is None
    assert packed.verify(path, trusted=[]).fault.what == "seal: other_key"


@pytest.mark.django_db
def test_the_same_case_number_and_moment_give_the_same_bytes():
    case = finished()
    upload(case)
    first = store.path_of(keep(case).path).read_bytes()
    made = packed.contents(case, number=ArchivePackage.objects.get().number, keep="10 年，到 2036 年底", at=LATER)
    from io import BytesIO

    from yimen.lib import packing

    # the case went on by one ledger row: being archived
    entries = [one for one in made.entries if one.name not in {"ledger.json", "index.pdf"}]
    again, once_more = BytesIO(), BytesIO()
    packing.write(again, entries, {}, at=LATER)
    packing.write(once_more, entries, {}, at=LATER)
    assert again.getvalue() == once_more.getvalue()
    with zipfile.ZipFile(BytesIO(first)) as one, zipfile.ZipFile(again) as two:
        assert all(one.read(entry.name) == two.read(entry.name) for entry in entries)


@pytest.mark.django_db
@pytest.mark.capability("CERT-8")
@pytest.mark.parametrize("target", ["documents/001-receipt.pdf", "ledger.json", "materials/001.pdf", "manifest.json"])
def test_whatever_is_changed_is_found_and_named(tmp_path, target):
    case = finished()
    upload(case)
    content = bytearray(store.path_of(keep(case).path).read_bytes())
    with zipfile.ZipFile(store.path_of(ArchivePackage.objects.get().path)) as package:
        info = package.getinfo(target)
    place = info.header_offset + 30 + len(target) + info.file_size // 2
    content[place] ^= 1
    changed = tmp_path / "changed.zip"
    changed.write_bytes(content)
    assert packed.verify(changed).fault.entry in ({target} if target != "manifest.json" else {"", "manifest.json"})


@pytest.mark.django_db
def test_a_history_that_was_rewritten_together_with_the_manifest_breaks_its_chain():
    case = finished()
    with zipfile.ZipFile(store.path_of(keep(case).path)) as package:
        rows = json.loads(package.read("ledger.json"))
    assert packed.broken_link(rows) is None
    for change in ({"kind": "case.other"}, {"actor": "system"}, {"seq": 9}, {"data": {}}):
        assert packed.broken_link([rows[0], rows[1] | change, *rows[2:]]).startswith("row 2")
    assert packed.broken_link(rows[1:]).startswith("row 1")
    assert packed.broken_link([rows[0], *rows[2:]]).startswith("row 2")


@pytest.mark.django_db
def test_the_command_needs_no_database(tmp_path):
    path = store.path_of(keep(finished()).path)
    env = {"YIMEN_HOME": str(tmp_path / "elsewhere"), "PATH": "/usr/bin", "PYTHONPATH": str(Path("src").resolve())}
    command = [sys.executable, "-m", "yimen.cli", "archive", "verify"]
    good = subprocess.run([*command, str(path), "--format", "json"], env=env, capture_output=True, text=True)
    said = json.loads(good.stdout)
    assert good.returncode == 0 and said["intact"] and said["sha256"] == ArchivePackage.objects.get().sha256
    other = subprocess.run([*command, str(path), "--sha256", "0" * 64], env=env, capture_output=True, text=True)
    assert other.returncode == 1
    path.write_bytes(path.read_bytes().replace(b"case.accepted", b"case.acceptex", 1))
    bad = subprocess.run([*command, str(path)], env=env, capture_output=True, text=True)
    assert bad.returncode == 1 and "ledger.json" in bad.stdout


@pytest.mark.django_db
def test_only_a_finished_case_is_packed_and_only_once():
    case = make_case()
    with pytest.raises(WrongStep):
        keep(case)
    done = finished()
    assert keep(done) == keep(done)
    assert ArchivePackage.objects.count() == 1


@pytest.mark.django_db
def test_a_document_still_waiting_for_its_seal_keeps_the_archive_waiting():
    case = finished()
    Notice.objects.filter(case=case, kind=Notice.Kind.RECEIPT).update(wants_seal=True)
    with pytest.raises(archiving.NotYet):
        keep(case)
    sealing.seal_waiting(at=LATER)
    assert keep(case)


@pytest.mark.django_db
@pytest.mark.parametrize("days, expected", [(9, 0), (11, 1)])
def test_cases_are_packed_some_days_after_their_end(days, expected):
    finished()
    assert archiving.archive_all(at=NOW + timedelta(days=days)) == expected
    assert archiving.archive_all(at=NOW + timedelta(days=days)) == 0


@pytest.mark.django_db
def test_a_case_that_goes_on_is_packed_again_and_the_first_file_stays():
    from yimen.cases import documents
    from yimen.cases.actions.common import give

    case = finished()
    first = keep(case)
    at = LATER + timedelta(days=1)
    letter = documents.Letter(opening=["决定撤销。"])
    from django.db import transaction

    with transaction.atomic():
        give(case, Notice.Kind.REVOCATION, by=SYSTEM, at=at, letter=letter)
    sealing.seal_waiting(at=at)
    assert archiving.archive_all(at=at + timedelta(days=11)) == 1
    editions = list(case.archives.order_by("edition"))
    assert [one.edition for one in editions] == [1, 2]
    assert all(packed.verify(store.path_of(one.path)).fault is None for one in editions)
    assert store.path_of(first.path).is_file()


def manager():
    return make_staff(Role.HALL_MANAGER, for_region=True)


def leader():
    return make_staff(Role.LEADER, for_region=True)


@pytest.mark.django_db
def test_the_newest_rule_of_the_item_says_how_long():
    case = finished()
    today = localdate(NOW)
    assert archiving.retention(case, ended=NOW)[0] == date(2036, 12, 31)
    rule = {"region_id": case.region_id, "basis": "演示文件", "effective_on": today}
    RetentionRule.objects.create(**rule, years=30)
    assert archiving.retention(case, ended=NOW)[0] == date(2056, 12, 31)
    RetentionRule.objects.create(**rule, years=None, item=case.item)
    assert archiving.retention(case, ended=NOW)[0] is None
    assert archiving.retention(case, ended=NOW - timedelta(days=1))[0] == date(2036, 12, 31)


@pytest.mark.django_db(transaction=True)
def test_a_deletion_takes_two_hands_and_the_row_stays():
    row = keep(finished())
    asker, after = manager(), LATER + timedelta(days=365 * 11)
    with pytest.raises(archiving.NotYet):
        archiving.ask_deletion(row.pk, ground="保管期限届满", by=asker, at=LATER)
    with pytest.raises(archiving.NotYet):
        archiving.answer_deletion(row.pk, approve=True, by=leader(), at=after)
    archiving.ask_deletion(row.pk, ground="保管期限届满", by=asker, at=after)
    with pytest.raises(NotAllowed):
        archiving.answer_deletion(row.pk, approve=True, by=manager(), at=after)
    path = store.path_of(row.path)
    assert path.is_file()
    archiving.answer_deletion(row.pk, approve=True, by=leader(), at=after)
    row.refresh_from_db()
    assert not path.exists() and row.deleted_at == after and row.deletion_ground == "保管期限届满"
    with pytest.raises(archiving.NotYet):
        archiving.read_archive(row.pk, by=leader(), at=after)


@pytest.mark.django_db
def test_whoever_holds_both_posts_still_needs_another_hand():
    row = keep(finished())
    both, after = make_staff(Role.HALL_MANAGER, Role.LEADER, for_region=True), LATER + timedelta(days=365 * 11)
    archiving.ask_deletion(row.pk, ground="保管期限届满", by=both, at=after)
    with pytest.raises(archiving.OneHand):
        archiving.answer_deletion(row.pk, approve=True, by=both, at=after)
    refused = archiving.answer_deletion(row.pk, approve=False, by=leader(), at=after)
    assert refused.deletion_asked_at is None and refused.deleted_at is None


@pytest.mark.django_db
def test_what_is_kept_for_ever_is_never_deleted():
    case = finished()
    RetentionRule.objects.create(region_id=case.region_id, basis="演示文件", effective_on=localdate(NOW), years=None)
    with pytest.raises(archiving.NotYet):
        archiving.ask_deletion(keep(case).pk, ground="保管期限届满", by=manager(), at=LATER + timedelta(days=36500))


@pytest.mark.django_db
def test_a_file_left_by_a_crash_after_the_deletion_is_swept_up():
    row = keep(finished())
    ArchivePackage.objects.filter(pk=row.pk).update(deleted_at=LATER, deleted_by=leader(), deletion_ground="到期")
    assert archiving.sweep_deleted() == 1
    assert archiving.sweep_deleted() == 0


@pytest.mark.django_db
@pytest.mark.parametrize("role, is_allowed", [(Role.LEADER, True), (Role.SUPERVISOR, True), (Role.CLERK, False)])
def test_taking_an_archive_needs_the_right_and_leaves_a_row(role, is_allowed):
    row = keep(finished())
    person = make_staff(role, for_region=True)
    if is_allowed:
        assert archiving.read_archive(row.pk, by=person, at=LATER)[1].is_file()
        assert Event.objects.get(kind="archive.read").actor == person.ledger_ref
    else:
        with pytest.raises(NotAllowed):
            archiving.read_archive(row.pk, by=person, at=LATER)
        assert not Event.objects.filter(kind="archive.read").exists()


AFTER = LATER + timedelta(days=365 * 11)
BY_ROLE = {
    "read": (lambda row, by: archiving.read_archive(row.pk, by=by, at=LATER), "leader supervisor hall_manager"),
    "hand over": (lambda row, by: archiving.hand_over(row.pk, to="档案馆", by=by, at=LATER), "hall_manager"),
    "ask": (lambda row, by: archiving.ask_deletion(row.pk, ground="保管期限届满", by=by, at=AFTER), "hall_manager"),
    "answer": (lambda row, by: archiving.answer_deletion(row.pk, approve=True, by=by, at=AFTER), "leader"),
}


@pytest.mark.django_db
@pytest.mark.parametrize("act", BY_ROLE)
def test_each_act_on_an_archive_by_each_role(act):
    row, (do, allowed) = keep(finished()), BY_ROLE[act]
    if act == "answer":
        archiving.ask_deletion(row.pk, ground="保管期限届满", by=manager(), at=AFTER)
    may, far = set(), make_region("510000", "外市")
    for role in Role:
        try:
            with transaction.atomic():
                do(row, make_staff(role, for_region=True))
                may.add(role.value)
                transaction.set_rollback(True)
        except NotAllowed:
            pass
        elsewhere = make_staff(role, department=make_department(far), for_region=True)
        with transaction.atomic(), pytest.raises(NotAllowed):
            do(row, elsewhere)
    assert may == set(allowed.split())


@pytest.mark.django_db
def test_an_archive_is_handed_over_once():
    row = keep(finished())
    person = manager()
    assert archiving.hand_over(row.pk, to="青禾县档案馆", by=person, at=LATER).handed_over_to == "青禾县档案馆"
    with pytest.raises(archiving.NotYet):
        archiving.hand_over(row.pk, to="青禾县档案馆", by=person, at=LATER)


@pytest.mark.django_db(transaction=True)
def test_two_workers_pack_a_case_once():
    case = finished()
    made = []

    def work():
        try:
            made.append(keep(case).pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 1 and len(made) == 3
    assert ArchivePackage.objects.get().number.endswith("〕1号")
