"""Objects made by lib.reading are those the ORM makes."""

import pytest
from django.db.models.signals import post_init

from yimen.lib.reading import Given, Maker, Question, Together
from yimen.people.models import Region, Staff, User
from yimen.people.tests.factories import make_region, make_staff

pytestmark = pytest.mark.django_db


def looks(one):
    return {name: value for name, value in vars(one).items() if name != "_state"}


def staff():
    return Staff.objects.filter(pk=Given("pk")).select_related("region", "department", "user")


@pytest.mark.parametrize("together", [False, True], ids=["one question", "several together"])
def test_rows_become_what_the_orm_makes_of_them(together):
    somebody = make_staff(region=make_region())
    asked = Together(staff=staff).ask(pk=somebody.pk)["staff"] if together else Question(staff).ask(pk=somebody.pk)
    (found,) = asked
    (expected,) = Staff.objects.filter(pk=somebody.pk).select_related("region", "department", "user")
    assert found == expected and looks(found) == looks(expected)
    assert (found._state.adding, found._state.db) == (False, "default")
    for name in ("region", "department", "user"):
        assert looks(found._state.fields_cache[name]) == looks(getattr(expected, name))
    assert found.user._state.fields_cache["staff"] is found


def test_a_field_not_asked_for_is_read_when_it_is_needed(django_assert_num_queries):
    region = make_region()
    (found,) = Question(lambda: Region.objects.filter(pk=Given("pk")).only("pk")).ask(pk=region.pk)
    with django_assert_num_queries(1):
        assert found.name == region.name


def test_a_model_somebody_listens_to_is_made_by_django():
    heard = []

    def hear(instance, **_more):
        heard.append(instance)

    post_init.connect(hear, sender=User)
    try:
        made = Maker(User, ["id", "username"]).made([1, "somebody"])
    finally:
        post_init.disconnect(hear, sender=User)
    assert heard == [made]
