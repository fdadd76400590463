"""Several items in one application, and one item for many people."""

import io
import threading
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.urls import reverse
from pypdf import PdfReader
from stdnum.cn import ric

from yimen.cases import jobs
from yimen.cases.actions import (
    Handed,
    WrongStep,
    accept,
    batches,
    complete_task,
    decide,
    decline,
    deliver,
    make_certificate,
)
from yimen.cases.actions import bundles as acts
from yimen.cases.documents.bundles import receipt
from yimen.cases.models import Case
from yimen.cases.models.bundles import Batch, BatchPerson, BundleCase
from yimen.cases.queries import bundles as queries
from yimen.cases.tests.factories import make_version
from yimen.catalog.actions.bundles import BadBundle, BundleLine, publish_bundle, save_bundle, withdraw_bundle
from yimen.catalog.models import ItemMaterial
from yimen.catalog.queries import bundles as catalog
from yimen.catalog.rules import bundles as rules
from yimen.catalog.rules.merging import same_name
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.lib import crypto
from yimen.people.access import NotAllowed
from yimen.people.models import Role
from yimen.people.tests.factories import make_applicant, make_center, make_department, make_staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("alone")]

# A Wednesday, 9:05 in Shanghai.
AT = datetime(2026, 11, 18, 1, 5, tzinfo=UTC)
TODAY = date(2026, 11, 18)


class Office:
    """A farm: the land first, then its permit, which needs the land's paper; a signboard if one likes."""

    def __init__(self):
        self.organ = make_department(is_resident=True)
        region = self.organ.region
        self.center = make_center(region)
        self.clerk = make_staff(Role.CLERK, department=make_department(region), for_region=True)
        self.other = make_staff(Role.CLERK, department=make_department(region), for_region=True)
        self.approver = make_staff(Role.APPROVER, department=self.organ)
        self.decider = make_staff(Role.LEADER, department=self.organ)
        make = lambda name, result: make_version(department=self.organ, name=name, result_name=result)  # noqa: E731
        self.land, self.permit, self.sign = (
            make("用地备案", "备案表"),
            make("防疫合格证", "合格证"),
            make("招牌", "回执"),
        )
        ItemMaterial.objects.create(version=self.permit, position=4, name="用地备案表")

    def lines(self):
        return [
            BundleLine("permit", self.permit.item_id, after=("land",)),
            BundleLine("land", self.land.item_id, feeds={"permit": "4"}),
            BundleLine("sign", self.sign.item_id, is_optional=True),
        ]

    def bundle(self, lines=None):
        fields = {"lead": self.organ, "code": "farm", "name": "养殖场开办准营", "by": SYSTEM, "at": AT}
        return save_bundle(lines=self.lines() if lines is None else lines, **fields)

    def offered(self):
        return publish_bundle(self.bundle().pk, by=SYSTEM, at=AT)

    def receive(self, bundle, chosen=(), by=None):
        parts = rules.chosen_parts(catalog.parts_of(catalog.offered_bundle(bundle.region_id, "farm")), chosen)
        materials = {line.key: Handed("complete", form="original") for line in rules.to_bring(parts)}
        applicant = make_applicant(region=self.organ.region)
        return acts.receive_bundle(
            bundle, applicant, center=self.center, chosen=chosen, materials=materials, by=by or self.clerk, at=AT
        )

    def decide(self, case, outcome="granted"):
        accept(case.pk, by=self.clerk, at=AT)
        for task in case.tasks.filter(kind="review"):
            complete_task(task.pk, outcome="passed", opinion="", by=self.approver, at=AT)
        reasons = "" if outcome == "granted" else "场地离水源不到一百米，不符合规定，换一块地可以再申请。"
        decide(case.pk, outcome=outcome, reasons=reasons, by=self.decider, at=AT)


@pytest.fixture
def office():
    return Office()


def follow():
    while jobs.follow_all_bundles(at=AT):
        pass


@pytest.mark.django_db
def test_an_application_for_several_items_has_one_receipt_of_its_own(office, client):
    bundle = office.offered()
    made, other = office.receive(bundle, ["sign"]), office.receive(bundle)
    assert made.receipt_no.endswith("1号") and other.receipt_no.endswith("2号")
    content = receipt(made)
    assert content == receipt(made)
    text = "".join("".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).split())
    assert made.query_no in text and made.receipt_no in text
    assert all(part["name"] in text for part in made.chosen["parts"])
    page = client.get(reverse("portal:verify", args=[made.verify_code])).content.decode()
    assert made.receipt_no in page and made.applicant.name not in page


def case_of(made, version):
    return made.cases.filter(version=version).first()


@pytest.mark.capability("S3-22")
@pytest.mark.django_db(transaction=True)
def test_one_application_runs_several_items_in_their_order(office):
    made = office.receive(office.offered(), ["sign"])
    assert {case.version_id for case in made.cases.all()} == {office.land.pk, office.sign.pk}
    land = case_of(made, office.land)
    office.decide(land)
    certificate = make_certificate(land.pk, by=office.clerk, at=AT)
    follow()
    follow()  # again: nothing more
    permit = case_of(made, office.permit)
    assert made.cases.count() == 3
    assert permit.visit_days == []  # nobody came for it
    assert land.visit_days == [TODAY]
    states = {row.material.name: (row.state, row.certificate_no) for row in permit.materials.select_related("material")}
    assert states["用地备案表"] == ("complete", certificate.number)
    assert states["申请表"] == ("complete", "")
    for version in (office.permit, office.sign):
        office.decide(case_of(made, version))
    follow()
    made.refresh_from_db()
    assert (made.status, made.finished_at) == (BundleCase.Status.DONE, AT)
    progress = queries.progress_of(made)
    assert (progress.done, [line.name for line in progress.lines]) == (3, ["用地备案", "招牌", "防疫合格证"])
    kinds = list(Event.objects.filter(stream=made.stream).order_by("seq").values_list("kind", flat=True))
    assert kinds == ["bundle.received", *["bundle.part_begun"] * 3, "bundle.finished"]


@pytest.mark.parametrize("end", ["refused", "declined"])
@pytest.mark.django_db(transaction=True)
def test_a_needed_item_that_fails_stops_what_waits_for_it(office, end):
    made = office.receive(office.offered())
    land = case_of(made, office.land)
    if end == "refused":
        office.decide(land, "refused")
    else:
        decline(land.pk, reasons="这块地不用备案，依法不需要办。", ground="not_needed", by=office.clerk, at=AT)
    follow()
    made.refresh_from_db()
    assert made.status == BundleCase.Status.STOPPED
    assert queries.progress_of(made).failed == ["用地备案"]
    assert case_of(made, office.permit) is None


@pytest.mark.django_db(transaction=True)
def test_what_cannot_begin_stops_and_says_so(office):
    made = office.receive(office.offered())
    item = office.permit.item
    item.published = None
    item.save(update_fields=["published"])
    office.decide(case_of(made, office.land))
    follow()
    made.refresh_from_db()
    assert (made.status, made.chosen["stopped"]) == (BundleCase.Status.STOPPED, "cannot_begin")


def test_the_optional_one_left_out_is_not_begun_and_nothing_unlisted_is_taken(office):
    bundle = office.offered()
    made = office.receive(bundle)
    assert [part["key"] for part in made.chosen["parts"]] == ["land", "permit"]
    with pytest.raises(Exception, match="清单外"):
        acts.receive_bundle(
            bundle, made.applicant, center=office.center, materials={same_name("用地备案表"): Handed("complete")},
            by=office.clerk, at=AT,
        )  # fmt: skip


def test_a_failure_in_one_item_undoes_all(office):
    bundle = office.offered()
    stranger = make_staff(Role.CLERK, department=make_department(office.organ.region))
    with pytest.raises(NotAllowed):
        office.receive(bundle, by=stranger)
    assert not BundleCase.objects.exists()
    assert not Case.objects.exists()


def test_a_bundle_with_faults_is_kept_and_not_offered(office):
    circle = [
        BundleLine("a", office.land.item_id, after=("b",)), BundleLine("b", office.permit.item_id, after=("a",))
    ]  # fmt: skip
    draft = office.bundle(circle)
    with pytest.raises(BadBundle, match="互相等着"):
        publish_bundle(draft.pk, by=SYSTEM, at=AT)
    office.bundle()
    bundle = publish_bundle(draft.pk, by=SYSTEM, at=AT)
    with pytest.raises(BadBundle):
        office.bundle(circle)
    assert bundle.items.count() == 3
    before = Event.objects.count()
    office.bundle()
    publish_bundle(bundle.pk, by=SYSTEM, at=AT)
    assert Event.objects.count() == before
    withdraw_bundle(bundle.pk, by=SYSTEM, at=AT)
    assert catalog.offered_bundle(bundle.region_id, "farm") is None


@pytest.mark.parametrize(("role", "allowed"), [(Role.EDITOR, True), (Role.CLERK, False)])
def test_who_edits(office, role, allowed):
    by = make_staff(role, department=office.organ)
    with nullcontext() if allowed else pytest.raises(NotAllowed):
        save_bundle(lead=office.organ, code="x", name="某事", lines=office.lines(), by=by, at=AT)


def test_a_citizen_opens_all_of_it_with_number_and_phone(office):
    made = office.receive(office.offered())
    tail = crypto.open_sealed(bytes(made.applicant.phone_sealed), "applicant.phone")[-4:]
    find = lambda number, four: queries.find_bundle_for_citizen(number, four, asker="1.2.3.4", at=AT)  # noqa: E731
    assert find(made.query_no, tail) == made
    wrong = f"{(int(tail) + 1) % 10000:04d}"
    assert find(made.query_no, wrong) is None
    assert find("QH-261118-99999", tail) is None


# -- batches ----------------------------------------------------------------------------------------------------------


def resident(n):
    number = f"5001011980{n % 12 + 1:02d}{n % 28 + 1:02d}{n % 500 * 2:03d}"
    return number + ric.calc_check_digit(number + "0")


def csv_of(*rows):
    return "\n".join(["姓名,身份证号,手机号", *(",".join(row) for row in rows)]).encode("gb18030")


def people(count):
    return [(f"村医{n}（演示）", resident(n), f"138000010{n:02d}") for n in range(count)]


def planned(office, **fields):
    version = make_version(immediate=True, department=office.organ)
    defaults = {
        "center": office.center, "name": "乡村医生换证", "on": TODAY, "place": "县医院三楼（演示）",
        "units": ["卫健局", "人社局"], "checklist": ["空白证书 20 本", "打印机一台"], "by": office.clerk, "at": AT,
    }  # fmt: skip
    return batches.plan_batch(version, **(defaults | fields))


def listed(office, count=3):
    batch = planned(office)
    rows = batches.read_list(csv_of(*people(count)), "名单.csv", today=TODAY)
    return batches.put_list(batch.pk, rows, by=office.clerk, at=AT)


def all_there(batch):
    return {material.pk: Handed("complete") for material in batch.version.materials.all()}


@pytest.mark.capability("S4-8")
def test_a_batch_has_its_day_place_units_and_checklist(office):
    batch = planned(office)
    batches.tick(batch.pk, 1, by=office.other, at=AT)
    batches.tick(batch.pk, 1, by=office.clerk, at=AT)
    batch.refresh_from_db()
    assert (batch.on, batch.place, batch.units) == (TODAY, "县医院三楼（演示）", ["卫健局", "人社局"])
    assert [(line["text"], line["by"]) for line in batch.checklist] == [
        ("空白证书 20 本", ""), ("打印机一台", office.other.number)
    ]  # fmt: skip
    with pytest.raises(WrongStep):
        batches.tick(batch.pk, 2, by=office.clerk, at=AT)


@pytest.mark.parametrize(
    "fields", [{"units": [" "]}, {"checklist": []}, {"place": ""}, {"on": date(2026, 11, 17)}],
    ids=["no units", "nothing to prepare", "no place", "past"],
)  # fmt: skip
def test_a_batch_without_its_plan_is_none(office, fields):
    with pytest.raises(batches.BadBatch):
        planned(office, **fields)
    assert not Batch.objects.exists()


@pytest.mark.capability("S4-7")
@pytest.mark.capability("S4-9")
def test_a_list_becomes_cases_with_own_numbers_and_results_and_one_visit_each(office):
    batch = listed(office)
    assert batches.receive_batch(batch.pk, materials=all_there(batch), by=office.clerk, at=AT) == batches.Received(
        3, 0, 0
    )
    assert batches.receive_batch(batch.pk, materials={}, by=office.clerk, at=AT) == batches.Received(0, 0, 0)
    cases = list(batch.cases.all())
    assert len({case.query_no for case in cases}) == len({case.case_no for case in cases}) == 3
    for number, case in enumerate(cases):
        accept(case.pk, by=office.other, at=AT)
        refused = {"outcome": "refused", "reasons": "继续教育学时还差二十学时，补上以后可以再来换证。"}
        decide(case.pk, by=office.decider, at=AT, **(refused if number == 0 else {"outcome": "granted"}))
        deliver(case.pk, how="window", by=office.clerk, at=AT)
    report = queries.batch_report(batch)
    assert (report.visits_per_person, report.most_visits, report.more_than_once) == (1.0, 1, [])
    assert report.results == [("准予", 2), ("不予许可", 1)]
    assert [line.position for line in report.lines] == [1, 2, 3]
    assert batches.close_batch(batch.pk, by=office.clerk, at=AT).status == Batch.Status.CLOSED


def test_more_than_one_act_takes_are_received_by_pressing_again(office):
    batch = listed(office)
    receive = lambda: batches.receive_batch(batch.pk, materials=all_there(batch), by=office.clerk, at=AT, most=2)  # noqa: E731
    assert [receive(), receive()] == [batches.Received(2, 0, 1), batches.Received(1, 0, 0)]


def test_every_fault_of_every_row_is_named_and_nothing_written(office):
    good = people(1)[0]
    rows = [
        good,
        ("", resident(5), "13800001005"),
        ("甲", "500101198001010000", "13800001006"),
        good,
        ("乙", resident(7), "1"),
    ]
    with pytest.raises(batches.BadList) as caught:
        batches.read_list(csv_of(*rows), "名单.csv", today=TODAY)
    assert [row for row, _fault in caught.value.faults] == [3, 4, 5, 6]
    assert good[1] not in str(caught.value.faults)
    with pytest.raises(batches.BadList, match="1 处"):
        batches.read_list("姓名,身份证号\n甲,1".encode(), "名单.csv", today=TODAY)


def test_the_same_list_again_leaves_the_same_people_and_none_after_receiving(office):
    batch = listed(office)
    rows = batches.read_list(csv_of(*people(3)), "名单.csv", today=TODAY)
    batches.put_list(batch.pk, rows, by=office.clerk, at=AT)
    assert batch.people.count() == 3
    batches.receive_batch(batch.pk, materials=all_there(batch), by=office.clerk, at=AT)
    with pytest.raises(WrongStep):
        batches.put_list(batch.pk, rows, by=office.clerk, at=AT)


def test_who_cannot_be_received_has_the_reason_and_the_others_go_on(office, monkeypatch):
    batch = listed(office)
    barred = batch.people.get(position=2).applicant_id
    receive = batches.receive

    def some(version, applicant, **rest):
        case = receive(version, applicant, **rest)
        if applicant.pk == barred:
            raise WrongStep("他现在不能申请。")
        return case

    monkeypatch.setattr(batches, "receive", some)
    got = batches.receive_batch(batch.pk, materials=all_there(batch), by=office.clerk, at=AT)
    assert got == batches.Received(2, 1, 0)
    assert Case.objects.count() == 2
    assert BatchPerson.objects.get(batch=batch, case=None).fault == "他现在不能申请。"


def test_who_could_not_be_received_is_tried_again(office, monkeypatch):
    batch = listed(office)
    barred, receive = batch.people.get(position=2).applicant_id, batches.receive

    def some(version, applicant, **rest):
        if applicant.pk == barred:
            raise WrongStep("他现在不能申请。")
        return receive(version, applicant, **rest)

    monkeypatch.setattr(batches, "receive", some)
    do = lambda **more: batches.receive_batch(batch.pk, materials={}, by=office.clerk, at=AT, **more)  # noqa: E731
    assert do() == batches.Received(2, 1, 0)
    monkeypatch.setattr(batches, "receive", receive)
    assert [do(), do(again=True), do(again=True)] == [
        batches.Received(0, 0, 0), batches.Received(1, 0, 0), batches.Received(0, 0, 0)
    ]  # fmt: skip
    assert not BatchPerson.objects.filter(batch=batch).exclude(fault="").exists()


def test_a_wrong_list_comes_back_whole_and_is_right_once_put_right(office):
    good = people(2)
    with pytest.raises(batches.BadList) as caught:
        batches.read_list(csv_of(good[0], ("乙", resident(7), "1"), good[1]), "名单.csv", today=TODAY)
    rows = caught.value.rows
    assert [one.row for one in rows] == [2, 3, 4]
    assert "13800" not in repr(rows) and good[0][1] not in repr(rows)
    mended = [replace(one, phone="13800001007") if one.row == 3 else one for one in rows]
    assert len(batches.checked(mended, today=TODAY)) == 3
    with pytest.raises(batches.BadList, match="1 处"):
        batches.checked([*mended, replace(mended[0], row=9)], today=TODAY)


def test_a_list_grows_and_shrinks_until_it_is_received(office):
    batch = listed(office)
    name, number, phone = people(4)[3]
    more = batches.Listed(0, name, number, phone)
    for _ in range(2):
        batches.add_person(batch.pk, more, by=office.clerk, at=AT)
        batches.remove_person(batch.pk, 1, by=office.clerk, at=AT)
    assert list(batch.people.values_list("position", flat=True)) == [2, 3, 4]
    with pytest.raises(batches.BadBatch):
        batches.add_person(batch.pk, replace(more, id_number="1"), by=office.clerk, at=AT)
    batches.receive_batch(batch.pk, materials=all_there(batch), by=office.clerk, at=AT)
    for act in (lambda: batches.add_person(batch.pk, more, by=office.clerk, at=AT),
                lambda: batches.remove_person(batch.pk, 2, by=office.clerk, at=AT),
                lambda: change(office, batch, place="别处")):  # fmt: skip
        with pytest.raises(WrongStep):
            act()
    assert batch.people.count() == 3


def change(office, batch, **fields):
    said = {"name": batch.name, "on": batch.on, "place": batch.place, "units": batch.units}
    said |= {"checklist": [line["text"] for line in batch.checklist]} | fields
    return batches.change_plan(batch.pk, **said, by=office.clerk, at=AT)


def test_a_plan_changes_what_is_ready_stays_and_it_may_be_given_up(office):
    batch = listed(office)
    for is_ready in (True, True, False, True):
        batches.tick(batch.pk, 1, by=office.clerk, at=AT, is_ready=is_ready)
    batch.refresh_from_db()
    changed = change(office, batch, on=date(2026, 11, 25), checklist=["打印机一台", "公章"])
    assert change(office, changed).pk == batch.pk
    assert [(line["text"], bool(line["done_at"])) for line in changed.checklist] == [
        ("打印机一台", True),
        ("公章", False),
    ]
    with pytest.raises(batches.BadBatch):
        change(office, changed, on=date(2026, 11, 17))
    assert batches.close_batch(batch.pk, by=office.clerk, at=AT).status == Batch.Status.CLOSED
    assert not batch.people.exists()
    kinds = list(Event.objects.filter(stream=f"batch:{batch.pk}").order_by("seq").values_list("kind", flat=True))
    assert kinds == [
        *("batch.planned", "batch.listed", "batch.prepared", "batch.unprepared", "batch.prepared"),
        *("batch.replanned", "batch.given_up"),
    ]


@pytest.mark.parametrize("is_allowed", [True, False], ids=["clerk", "who only receives nothing"])
def test_a_batch_is_accepted_at_once_and_what_cannot_be_stays(office, is_allowed):
    batch = listed(office)
    batches.receive_batch(batch.pk, materials=all_there(batch), by=office.clerk, at=AT)
    lacking = batch.cases.order_by("query_no").first()
    lacking.materials.update(state="missing")
    if not is_allowed:
        with pytest.raises(NotAllowed):
            batches.accept_batch(batch.pk, by=office.approver, at=AT)
        assert not batch.cases.filter(status="accepted").exists()
        return
    got = batches.accept_batch(batch.pk, by=office.other, at=AT, most=2)
    assert (got.count, got.left, [number for number, _why in got.refused]) == (1, 1, [lacking.query_no])
    got = batches.accept_batch(batch.pk, by=office.other, at=AT)
    assert (got.count, got.left) == (1, 0)
    assert "缺" in got.refused[0][1]
    assert [case.status for case in batch.cases.order_by("query_no")] == ["received", "accepted", "accepted"]


def test_a_planned_batch_is_received_under_the_newest_edition(office):
    batch = listed(office)
    item, old = batch.version.item, batch.version
    newer = make_version(immediate=True, department=office.organ)
    type(old).objects.filter(pk=old.pk).update(state="replaced")
    type(item).objects.filter(pk=newer.item_id).update(published=None)
    type(newer).objects.filter(pk=newer.pk).update(item=item, number=old.number + 1)
    type(item).objects.filter(pk=item.pk).update(published=newer)
    with pytest.raises(batches.NotOffered, match="刷新"):
        batches.receive_batch(batch.pk, materials=all_there(batch), by=office.clerk, at=AT)
    batches.receive_batch(batch.pk, materials={}, by=office.clerk, at=AT)
    batch.refresh_from_db()
    assert batch.version_id == newer.pk
    assert set(batch.cases.values_list("version", flat=True)) == {newer.pk}


@pytest.mark.django_db(transaction=True)
def test_two_who_receive_one_batch_at_once_make_one_set_of_cases(office):
    batch = listed(office, 4)
    materials, made, ready = all_there(batch), [], threading.Barrier(2)

    def run(by):
        try:
            ready.wait(10)
            made.append(batches.receive_batch(batch.pk, materials=materials, by=by, at=AT).made)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[by]) for by in (office.clerk, office.other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [0, 4]
    assert Case.objects.filter(batch=batch).count() == 4
