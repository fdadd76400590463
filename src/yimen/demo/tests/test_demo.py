"""The demo centre is made and lived in through the real actions."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from yimen.cases.models import Case, Task
from yimen.catalog import queries as catalog
from yimen.catalog.models import ItemVersion, ReformRound
from yimen.demo import build, centre, life, reform, scenario
from yimen.hall.models import Hall, Ticket, Window
from yimen.insight.catalogue_figures import round_report
from yimen.ledger import verify
from yimen.notify.models import Message
from yimen.people.models import Applicant, Department, Staff

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

# A Wednesday morning in Shanghai.
OPENS = datetime(2026, 11, 18, 1, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def lived_hour(once_for_module):
    """The centre after one simulated hour, with 20 visitors."""

    def live() -> life.Life:
        build.build(OPENS - timedelta(days=30))
        people = life.Life("a test")
        people.open_windows(OPENS)
        people.visitors([OPENS + timedelta(minutes=n * 2) for n in range(20)])
        people.run(OPENS + timedelta(hours=1))
        return people

    return once_for_module(live)


@pytest.mark.capability("S1-17")
def test_the_ten_departments_of_2014_are_units_of_the_hall(lived_hour):
    names = " ".join(Department.objects.filter(is_resident=True).values_list("name", flat=True))
    wanted = ("财政", "城市管理", "工商", "司法", "信访", "民政", "劳动保障", "群众工作站", "计生", "党政办")
    assert [word for word in wanted if word not in names] == []


@pytest.mark.capability("S1-15", "S1-26")
def test_many_units_share_one_hall_queue_and_acceptance(lived_hour):
    assert Department.objects.filter(is_resident=True).count() >= 10
    assert Hall.objects.count() == 1
    served = Case.objects.exclude(accepted_at=None).values("accepted_by", "department").distinct()
    by_clerk: dict = {}
    for row in served:
        by_clerk.setdefault(row["accepted_by"], set()).add(row["department"])
    assert max(len(units) for units in by_clerk.values()) >= 2  # one clerk, several units' items


def test_every_item_is_published_with_its_flow_and_its_limits(lived_hour):
    versions = ItemVersion.objects.filter(state="published").prefetch_related("steps", "materials")
    assert {version.name for version in versions} == {item.name for item in centre.ITEMS}
    assert all(version.steps.count() >= 4 and version.materials.count() for version in versions)
    # Something to see at every head of a guide: a fee with its basis, questions people ask.
    assert any(fee.basis for version in versions for fee in version.fees.all())
    assert any(version.faqs.count() for version in versions)


def test_the_joint_item_opens_its_reviews_together(lived_hour):
    item, version = next(pair for pair in lived_hour.items if pair[0].joint_with)
    clerk, at = lived_hour.staff["clerk1"], OPENS + timedelta(hours=2)
    everything = scenario.answers(version)
    without_a_sign = tuple("sign.no" if answer == "sign.yes" else answer for answer in everything)
    for chosen, organs in ((everything, 1 + len(item.joint_with)), (without_a_sign, len(item.joint_with))):
        handed = scenario.applying_materials(version, chosen)
        case = life.cases.receive(
            version,
            Applicant.objects.first(),
            center=lived_hour.hall.center,
            materials={material.pk: life.Handed("complete") for material in handed},
            chosen=chosen,
            by=clerk,
            at=at,
        )
        life.cases.accept(case.pk, by=clerk, at=at)
        assert Task.objects.filter(case=case, kind="review").values("department").distinct().count() == organs


def test_an_hour_in_the_hall_leaves_an_orderly_history(lived_hour):
    finished = Ticket.objects.filter(status=Ticket.Status.FINISHED)
    assert finished.count() >= 8
    assert Case.objects.filter(case_type="immediate", status="delivered").exists()
    assert Window.objects.filter(number__in=centre.FREE_WINDOWS, staff=None).count() == len(centre.FREE_WINDOWS)
    assert verify.verify().is_intact


def test_nobody_is_received_twice_for_one_ticket(lived_hour):
    """Two idle windows woken by one arrival: the call answered twice is one visit."""
    numbers = list(Case.objects.exclude(ticket_no="").values_list("ticket_no", flat=True))
    assert len(numbers) == len(set(numbers)) > 8


def test_everybody_is_invented_and_says_so(lived_hour):
    assert all(name.endswith("（演示）") for name in Applicant.objects.values_list("name", flat=True))
    assert all("（演示）" in name for name in Staff.objects.values_list("name", flat=True))
    assert not Applicant.objects.filter(is_demo=False).exists()


def test_life_goes_on_from_what_the_database_holds(lived_hour):
    before = Ticket.objects.filter(status=Ticket.Status.FINISHED).count()
    later = OPENS + timedelta(hours=1)
    again = life.Life("another process")
    again.take_over(later)
    life.go_on(again, later, later + timedelta(minutes=20))
    again.run(later + timedelta(minutes=20))
    assert Ticket.objects.filter(status=Ticket.Status.FINISHED).count() > before


@pytest.mark.capability("S4-3")
def test_the_certificate_for_animal_epidemic_prevention_has_its_checklist_and_site_visit(lived_hour):
    found = catalog.search("养猪场", limit=3, region=centre.REGION[0])
    item = next(iter(found))
    assert item.name == "动物防疫条件合格证核发"
    assert item.published.steps.filter(kind="visit").exists()
    page = Client().get(f"/items/{item.task_code}").content.decode()
    for words in ("设施设备清单", "管理制度文本", "现场核查", "7 个工作日"):
        assert words in page


@pytest.mark.capability("S1-55", "S4-28")
def test_the_round_of_reform_shows_15_days_that_became_3(lived_hour):
    [opened] = ReformRound.objects.all()
    report = round_report(opened.pk)
    hygiene = next(change for change in report.changes if change.name == reform.HYGIENE)
    assert (hygiene.before.promised.number, hygiene.edition.promised.number, hygiene.saved) == (15, 3, 12)
    assert report.steps[0] > report.steps[1]
    assert report.materials[0] > report.materials[1]
    assert report.days[0] - report.days[1] >= 12


def test_people_turning_eighty_wait_to_be_told(lived_hour):
    waiting = Message.objects.filter(state="waiting")
    assert waiting.count() >= 3
    assert {message.item.name for message in waiting} == {reform.ALLOWANCE}
