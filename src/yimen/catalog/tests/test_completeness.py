"""How complete an edition is, and what is missing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yimen.catalog import actions
from yimen.catalog.queries.completeness import completeness_by_item
from yimen.catalog.rules.completeness import PARTS, completeness
from yimen.catalog.tests.factories import NOW, make_draft, make_item
from yimen.ledger.actions import SYSTEM

FILLED = st.dictionaries(st.sampled_from(PARTS), st.sampled_from([True, False, None]))


@given(FILLED)
def test_the_percent_is_whole_and_a_hundred_only_when_nothing_is_missing(filled):
    found = completeness(filled)
    assert 0 <= found.percent <= 100
    asked = [name for name, is_there in filled.items() if is_there is not None]
    if asked:
        assert (found.percent == 100) is (not found.missing)
    assert {name for name, _label in found.missing} == {name for name in asked if not filled[name]}


@given(FILLED, st.sampled_from(PARTS))
def test_writing_more_never_makes_it_less_complete(filled, name):
    before = completeness(filled | {name: False})
    after = completeness(filled | {name: True})
    assert after.percent >= before.percent


@pytest.mark.django_db
@pytest.mark.capability("S4-27")
def test_each_item_has_a_percent_and_its_missing_fields():
    item = make_item()
    before = completeness_by_item([item.pk])[item.pk]
    assert "设定依据" not in before.labels and "行使层级" in before.labels
    assert 0 < before.percent < 100

    said = {"exercise_level": "县级", "power_source": "法定本级行使", "organ_nature": "法定机关"}
    actions.save_draft(item, said, by=SYSTEM, at=NOW)
    after = completeness_by_item([item.pk])[item.pk]
    assert after.percent > before.percent
    assert set(before.labels) - set(after.labels) == {"行使层级", "权力来源", "实施主体性质"}


@pytest.mark.django_db
def test_what_does_not_apply_is_not_missing():
    immediate, public = make_draft(immediate=True), make_draft(item_type="20", legal_basis="")
    found = completeness_by_item([immediate.item_id, public.item_id])
    assert "承诺办结时限" not in found[immediate.item_id].labels
    assert "收费依据" not in found[immediate.item_id].labels
    assert "设定依据" not in found[public.item_id].labels


@pytest.mark.django_db
def test_many_items_take_one_query(django_assert_num_queries):
    items = [make_draft().item_id for _n in range(5)]
    with django_assert_num_queries(1):
        assert len(completeness_by_item(items)) == 5
