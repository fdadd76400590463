"""The demo's questions and forms are whole before anything is built from them."""

from datetime import date

import pytest

from yimen.catalog.rules import forms
from yimen.catalog.rules.scenario import all_paths
from yimen.demo import centre, scenario

CODES = {item.code for item in centre.ITEMS}


@pytest.mark.parametrize("code", sorted(scenario.BY_CODE))
def test_every_demo_form_is_whole_and_its_sample_fits(code):
    assert code in CODES
    for form in scenario.forms_for(code):
        forms.check_schema(form.schema)
        assert form.sample
        assert forms.check_values(form.schema, form.sample, today=date(2026, 11, 18)) == []


@pytest.mark.parametrize("code", sorted(code for code, asked in scenario.BY_CODE.items() if asked.questions))
def test_every_demo_question_leads_somewhere(code):
    paths = all_paths(scenario.questions_for(code))
    assert any(path.is_complete for path in paths)
    assert all(
        path.dead_end is None or "到" in path.dead_end.dead_end or "能" in path.dead_end.dead_end for path in paths
    )


def test_the_joint_item_asks_what_its_three_forms_share_once():
    merged = forms.merge_forms(scenario.forms_for("00203"))
    assert {"owner", "id_number", "phone", "shop_name", "address", "area"} <= set(merged.shared)
    assert merged.clashes == ()
    asked = forms.fields_of(merged.schema)
    assert len(asked) == len({one.name for form in scenario.forms_for("00203") for one in forms.fields_of(form.schema)})
