"""Questions asked by hand-kept SQL find the same objects as the querysets they are made of."""

from datetime import UTC, date, datetime

import pytest
from django.db.models import F, OuterRef

from yimen.lib.reading import Given, Question, Together
from yimen.people.models import Applicant, Department, OrganisationChange, Post, Region, ServiceCenter, Staff, User

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 18, 1, 5, 7, 123456, tzinfo=UTC)


@pytest.fixture
def region():
    return Region.objects.create(code="500000", name='演示"市\\')


@pytest.fixture
def staff(region):
    department = Department.objects.create(region=region, code="d", name="演示局")
    user = User.objects.create_user("somebody")
    return Staff.objects.create(user=user, region=region, department=department, number="1", name="某某")


@pytest.fixture
def applicant(region):
    return Applicant.objects.create(
        region=region, kind="person", name="王小明", id_sealed=b"\x00\xff", id_index=b"i", phone_sealed=b"\\x",
        phone_index=b"", created_at=AT,
    )  # fmt: skip


def _values(found):
    return [{field.attname: getattr(one, field.attname) for field in one._meta.concrete_fields} for one in found]


WAYS = {
    "alone": lambda make, **given: Question(make).ask(**given),
    "together": lambda make, **given: Together(other=lambda: Region.objects.all(), asked=make).ask(**given)["asked"],
}


@pytest.mark.parametrize("way", WAYS)
def test_every_kind_of_value_comes_back_as_it_was(way, region, applicant):
    OrganisationChange.objects.create(
        region=region, name="合并", on=date(2026, 1, 2), before=["一", {"二": 1.5}], after=[]
    )
    for model in (Applicant, OrganisationChange, Region):
        found = WAYS[way](lambda model=model: model.objects.all())
        assert _values(found) == _values(model.objects.all()) != []
    assert WAYS[way](lambda: Applicant.objects.filter(created_at=Given("at")), at=AT) == [applicant]


@pytest.mark.parametrize("way", WAYS)
def test_what_is_read_along_needs_no_further_statement(way, staff, django_assert_num_queries):
    make = lambda: Staff.objects.filter(pk=Given("pk")).select_related("user", "department__region", "post")  # noqa: E731
    with django_assert_num_queries(1):
        (found,) = WAYS[way](make, pk=staff.pk)
        assert (found.user.username, found.department.region.name, found.post) == ("somebody", '演示"市\\', None)
    assert found == staff and not found._state.adding


@pytest.mark.parametrize("way", WAYS)
def test_order_conditions_and_what_is_reckoned_stay(way, region):
    for number, name in enumerate("丙甲乙"):
        ServiceCenter.objects.create(
            region=region, code=f"c{number}", letters=f"C{number}", name=name, address="", hours="", phone=""
        )
    make = lambda: (  # noqa: E731
        ServiceCenter.objects.filter(region=Given("region"), code__gte=Given("code"))
        .annotate(doubled=F("code"))
        .order_by("-code")
    )
    found = WAYS[way](make, region=region.pk, code="c1")
    assert [(one.code, one.doubled) for one in found] == [("c2", "c2"), ("c1", "c1")]
    assert WAYS[way](make, region="other", code="c1") == []


def test_the_same_question_is_asked_with_other_values(region, django_assert_num_queries):
    question = Question(lambda: Region.objects.filter(pk=Given("pk")))
    assert [question.ask(pk=pk) for pk in (region.pk, "no", region.pk)] == [[region], [], [region]]


def test_fields_left_out_are_read_when_asked_for(staff, django_assert_num_queries):
    (found,) = Together(staff=lambda: Staff.objects.defer("name")).ask()["staff"]
    with django_assert_num_queries(1):
        assert found.name == "某某"


def test_a_subquery_may_depend_on_the_row(staff):
    posts = Post.objects.filter(department=OuterRef("department")).values("name")[:1]
    assert Question(lambda: Staff.objects.annotate(post_name=posts)).ask()[0].post_name is None


def test_a_lock_is_taken(region):
    assert "FOR UPDATE" in str(Region.objects.select_for_update().query)
    assert Question(lambda: Region.objects.select_for_update().filter(pk=Given("pk"))).ask(pk="") == []
