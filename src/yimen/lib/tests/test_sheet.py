from hypothesis import given
from hypothesis import strategies as st

from yimen.lib.sheet import FORMULA, safe_cell


@given(st.text())
def test_no_cell_begins_as_a_formula_and_the_text_stays(text):
    cell = safe_cell(text)
    assert not cell.startswith(FORMULA) and cell.removeprefix("'" * text.startswith(FORMULA)) == text
