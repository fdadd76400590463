"""One application for several items, sent on line: one draft, one form, one set of files, items in their order."""

from __future__ import annotations

import threading
from uuid import uuid4

import pytest
from django.db import connection

from yimen.cases import jobs
from yimen.cases.actions import accept, complete_task, decide, uploads
from yimen.cases.actions import applying as single
from yimen.cases.actions import bundle_applying as acts
from yimen.cases.models import ApplicationDraft, BundleCase, Case, Upload
from yimen.cases.queries import applying as drafts
from yimen.cases.queries import bundle_drafts as queries
from yimen.cases.queries import forms as case_forms
from yimen.cases.tests.test_applying import TODAY, a_file, online_version
from yimen.catalog.actions.bundles import BundleLine, publish_bundle, save_bundle, withdraw_bundle
from yimen.catalog.models import ItemMaterial, ItemVersion, ScenarioOption, ScenarioQuestion
from yimen.catalog.queries import bundles as catalog
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.people.access import NotAllowed
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_applicant, make_center, make_department, make_staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("alone")]


@pytest.fixture(autouse=True)
def store(settings, tmp_path):
    settings.UPLOADS = tmp_path / "uploads"
    return settings.UPLOADS


class Farm:
    """The land first; its paper goes to the permit; a signboard, with a question of its own, if one likes."""

    def __init__(self):
        self.organ = make_department(is_resident=True)
        self.region = self.organ.region
        self.center = make_center(self.region)
        self.clerk = make_staff(Role.CLERK, department=make_department(self.region), for_region=True)
        self.approver = make_staff(Role.APPROVER, department=self.organ)
        self.decider = make_staff(Role.LEADER, department=self.organ)
        make = lambda name: online_version(department=self.organ, name=name)  # noqa: E731
        self.land, self.permit, self.sign = make("用地备案"), make("防疫合格证"), make("招牌")
        ItemMaterial.objects.create(version=self.permit, position=4, name="用地备案表")
        question = ScenarioQuestion.objects.create(version=self.sign, position=1, key="lit", text="要亮灯吗？")
        for position, (key, label) in enumerate((("yes", "要"), ("no", "不要")), 1):
            ScenarioOption.objects.create(question=question, position=position, key=key, label=label)
        lines = [
            BundleLine("permit", self.permit.item_id, after=("land",)),
            BundleLine("land", self.land.item_id, feeds={"permit": "4"}),
            BundleLine("sign", self.sign.item_id, is_optional=True),
        ]
        bundle = save_bundle(lead=self.organ, code="farm", name="开养殖场", lines=lines, by=SYSTEM, at=NOW)
        publish_bundle(bundle.pk, by=SYSTEM, at=NOW)
        self.bundle = catalog.offered_bundle(self.region.pk, "farm")
        self.me = make_applicant(region=self.region)

    def begin(self, items=("sign",)):
        return acts.begin(self.bundle, self.me, at=NOW, items=items)

    def filling(self, draft):
        draft.refresh_from_db()
        return queries.filling(draft, queries.offered_to(draft), on=TODAY)

    def save(self, draft, **said):
        draft.refresh_from_db()
        return acts.save(draft.pk, edition=draft.edition, by=self.me, at=NOW, **said)

    def filled(self, items=("sign",)):
        draft = self.begin(items)
        chosen = [f"item~{key}" for key in items] + (["sign~lit.yes"] if "sign" in items else [])
        self.save(draft, chosen=chosen)
        self.save(draft, typed={"shop": "一只羊", "area": "60"})
        card = next(line for line in self.filling(draft).lines if line.material.name == "身份证")
        uploads.take(a_file(), owner=self.me, region=self.region, at=NOW, draft=draft, material=card.material)
        draft.refresh_from_db()
        return draft

    def submit(self, draft, by=None):
        draft.refresh_from_db()
        return acts.submit(draft.pk, edition=draft.edition, center=self.center, by=by or self.me, at=NOW)

    def grant(self, case):
        accept(case.pk, by=self.clerk, at=NOW)
        for task in case.tasks.filter(kind="review"):
            complete_task(task.pk, outcome="passed", opinion="", by=self.approver, at=NOW)
        decide(case.pk, outcome="granted", by=self.decider, at=NOW)


@pytest.fixture
def farm():
    return Farm()


@pytest.mark.capability("S3-22")
@pytest.mark.django_db(transaction=True)
def test_one_form_and_one_set_of_files_serve_every_item_and_a_result_feeds_the_next(farm):
    draft = farm.filled()
    filled = farm.filling(draft)
    assert [line.material.name for line in filled.lines] == ["申请表", "身份证", "营业执照"]
    assert filled.fed == [("用地备案表", "用地备案", "防疫合格证")]
    assert [one.name for one in queries.form_fields(filled)] == ["shop", "area"]  # asked once, the name not at all
    made = farm.submit(draft)
    assert made.status == BundleCase.Status.RUNNING and made.received_by is None and made.receipt_no
    cases = {case.version_id: case for case in made.cases.all()}
    assert set(cases) == {farm.land.pk, farm.sign.pk}  # the permit waits for the land
    assert all(case.channel == Case.Channel.WEB and case.visit_days == [] for case in cases.values())
    assert cases[farm.sign.pk].chosen == ["lit.yes"]
    assert case_forms.filled_forms(cases[farm.land.pk])["apply"]["shop"] == "一只羊"
    for case in cases.values():
        (file,) = Upload.objects.filter(case=case)
        assert file.material.version_id == case.version_id and uploads.open_file(file).read() == a_file().read()
    farm.grant(cases[farm.land.pk])
    while jobs.follow_all_bundles(at=NOW):
        pass
    permit = made.cases.get(version=farm.permit)
    states = dict(permit.materials.values_list("material__name", "state"))
    assert states["用地备案表"] == states["身份证"] == states["申请表"] == "complete"
    assert permit.channel == Case.Channel.WEB and permit.visit_days == []
    assert Upload.objects.filter(case=permit, material__name="身份证").count() == 1
    draft.refresh_from_db()
    assert draft.bundle_case == made and draft.forms_sealed is None
    assert not drafts.drafts_of(farm.me).exists() and list(queries.my_bundles(farm.me)) == [made]


def test_sending_again_gives_the_same_application(farm):
    draft = farm.filled()
    assert farm.submit(draft) == farm.submit(draft)
    assert BundleCase.objects.count() == 1


def test_what_is_missing_is_named_with_its_step_and_nothing_is_written(farm):
    draft = farm.begin()
    rows = (BundleCase.objects.count(), Case.objects.count(), Event.objects.count())
    for step, said in (
        ("questions", {"chosen": ["item~sign", "sign~lit.no"]}),
        ("forms", {"typed": {"shop": "一只羊"}}),
        ("materials", {"handing": {str(farm.land.materials.get(name="身份证").pk): drafts.PAPER}}),
    ):
        with pytest.raises(single.NotReady) as refused:
            farm.submit(draft)
        assert refused.value.step == step
        farm.save(draft, **said)
    assert (BundleCase.objects.count(), Case.objects.count(), Event.objects.count()) == rows
    made = farm.submit(draft)
    assert {m.state for m in made.cases.first().materials.filter(material__name="身份证")} == {"missing"}


def test_leaving_an_optional_item_out_leaves_its_questions_and_case_out(farm):
    draft = farm.filled(items=())
    assert farm.filling(draft).steps == ["questions", "forms", "materials", "check"]
    assert [case.version_id for case in farm.submit(draft).cases.all()] == [farm.land.pk]


def test_two_tabs_do_not_overwrite_each_other(farm):
    draft = farm.begin()
    acts.save(draft.pk, edition=1, typed={"shop": "甲"}, by=farm.me, at=NOW)
    acts.save(draft.pk, edition=1, typed={"shop": "甲"}, by=farm.me, at=NOW)  # the same again
    with pytest.raises(single.OtherTab):
        acts.save(draft.pk, edition=1, typed={"shop": "乙"}, by=farm.me, at=NOW)


def test_nobody_else_saves_sends_or_sends_in_his_name(farm):
    draft, other = farm.filled(), make_applicant(region=farm.region)
    for act in (
        lambda: acts.save(draft.pk, edition=1, typed={"shop": "乙"}, by=other, at=NOW),
        lambda: farm.submit(draft, by=other),
        lambda: acts.save(uuid4(), edition=1, by=farm.me, at=NOW),
    ):
        with pytest.raises(single.NoDraft):
            act()
    with pytest.raises(NotAllowed):
        acts.receive_bundle(farm.bundle, farm.me, center=farm.center, draft=draft, by=other, at=NOW)
    with pytest.raises(single.NoDraft):  # a bundle's draft never becomes a single case
        single.submit(draft.pk, edition=draft.edition, center=farm.center, by=farm.me, at=NOW)


def test_a_new_edition_is_shown_before_it_is_sent_and_carries_over(farm):
    draft = farm.filled()
    item = farm.permit.item
    ItemVersion.objects.filter(pk=farm.permit.pk).update(state=ItemVersion.State.REPLACED)
    new = ItemVersion.objects.create(
        item=item, number=2, state=ItemVersion.State.PUBLISHED, name="防疫合格证", case_type=farm.permit.case_type,
        promised_limit=5, statutory_limit=20, legal_basis="《演示条例》第一条", result_name="合格证",
        channels=["网上办理"], online_depth="互联网办理",
    )  # fmt: skip
    ItemMaterial.objects.create(version=new, position=4, name="用地备案表")
    ItemMaterial.objects.create(version=new, position=5, name="照片", necessity="optional")
    item.published = new
    item.save(update_fields=["published"])
    with pytest.raises(single.Outdated):
        farm.submit(draft)
    assert any("照片" in text for text in queries.what_changed(draft, queries.offered_to(draft)))
    acts.renew(draft.pk, by=farm.me, at=NOW)
    filled = farm.filling(draft)
    assert filled.content.typed["shop"] == "一只羊" and not filled.missing
    assert farm.submit(draft).cases.count() == 2


def test_what_cannot_be_applied_for_on_line_or_is_withdrawn_is_refused(farm):
    draft = farm.filled()
    ItemVersion.objects.filter(pk=farm.land.pk).update(channels=["窗口办理"], online_depth="")
    with pytest.raises(single.NotOnline):
        farm.begin()
    ItemVersion.objects.filter(pk=farm.land.pk).update(channels=["网上办理"])
    ItemVersion.objects.filter(pk=farm.sign.pk).update(channels=["窗口办理"], online_depth="")
    assert queries.optional_on_line(catalog.offered_bundle(farm.region.pk, "farm")) == []
    withdraw_bundle(farm.bundle.pk, by=SYSTEM, at=NOW)
    with pytest.raises(acts.NotOffered):
        farm.submit(draft)


@pytest.mark.django_db(transaction=True)
def test_sent_from_two_pages_at_once_it_is_one_application(farm):
    draft, made = farm.filled(), []

    def send():
        made.append(farm.submit(ApplicationDraft.objects.get(pk=draft.pk)).pk)
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    [one.start() for one in threads]
    [one.join() for one in threads]
    assert len(made) == 4 and len(set(made)) == 1
    assert BundleCase.objects.count() == 1 and Case.objects.count() == 2
