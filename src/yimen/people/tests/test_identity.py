import csv
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric

from yimen.people.identity import (
    CreditCode,
    InvalidIdentity,
    ResidentId,
    check_credit_code,
    check_phone,
    check_resident_id,
)
from yimen.testing import shared

TODAY = date(2026, 11, 22)
# Sequence 000 is never issued, so this is nobody's number.
NUMBER = "430312196401270001"
CODE = "91110000600037341L"


def cases(name):
    with shared(f"data/idcodes/{name}_cases.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# A word of the message that names the wrong part.
RESIDENT_REASONS = {
    "bad_check_digit": "校验位",
    "bad_date": "出生日期",
    "empty": "请填写",
    "full_width": "半角",
    "future_date": "还没有到",
    "inner_space": "不要空格",
    "letter_inside": "只有数字",
    "swapped_neighbours": "。",
    "too_long": "18 位",
    "too_short": "18 位",
    "unknown_province": "地区代码",
}
CREDIT_REASONS = {
    "bad_check_character": "校验位",
    "empty": "请填写",
    "letter_not_allowed": "没有字母",
    "swapped_neighbours": "。",
    "too_long": "18 位",
    "too_short": "18 位",
}


def test_all_94_resident_numbers_are_judged_right():
    rows = cases("resident_id")
    assert len(rows) == 94
    for row in rows:
        if row["valid"] == "1":
            found = check_resident_id(row["number"], TODAY)
            assert found == ResidentId(date.fromisoformat(row["birth_date"]), row["sex"], row["area_code"]), row
        else:
            with pytest.raises(InvalidIdentity, match=RESIDENT_REASONS[row["reason"]]):
                check_resident_id(row["number"], TODAY)


def test_all_120_credit_codes_are_judged_right():
    rows = cases("credit_code")
    assert len(rows) == 120
    for row in rows:
        if row["valid"] == "1":
            found = check_credit_code(row["number"])
            if row["reason"] != "lower_case_accept":  # the list leaves its parts empty
                assert found == CreditCode(row["area_code"], row["organisation_code"]), row
        else:
            with pytest.raises(InvalidIdentity, match=CREDIT_REASONS[row["reason"]]):
                check_credit_code(row["number"])


@pytest.mark.parametrize("today, allowed", [(date(1964, 1, 27), True), (date(1964, 1, 26), False)])
def test_nobody_is_born_after_today(today, allowed):
    if allowed:
        assert check_resident_id(NUMBER, today).birth_on == today
    else:
        with pytest.raises(InvalidIdentity, match="还没有到"):
            check_resident_id(NUMBER, today)


@given(st.integers(0, 17), st.sampled_from("0123456789X"))
def test_one_wrong_character_is_always_seen(place, wrong):
    number = NUMBER[:place] + wrong + NUMBER[place + 1 :]
    if number == NUMBER:
        assert check_resident_id(number, TODAY).area_code == "430312"
    else:
        with pytest.raises(InvalidIdentity):
            check_resident_id(number, TODAY)


@given(st.dates(date(1900, 1, 1), TODAY), st.integers(0, 999))
def test_every_well_made_number_is_taken_and_its_sex_read(birth_on, sequence):
    number = f"430312{birth_on:%Y%m%d}{sequence:03d}"
    found = check_resident_id(number + ric.calc_check_digit(number + "0"), TODAY)
    assert found == ResidentId(birth_on, "男" if sequence % 2 else "女", "430312")


def test_lower_case_is_taken_as_upper_case():
    assert check_credit_code(CODE.lower()) == check_credit_code(CODE) == CreditCode("110000", "600037341")
    assert check_resident_id("51030419761021000x", TODAY) == check_resident_id("51030419761021000X", TODAY)


@given(st.integers(0, 16))
def test_two_neighbours_of_a_credit_code_swapped_are_seen(place):
    swapped = CODE[:place] + CODE[place + 1] + CODE[place] + CODE[place + 2 :]
    if swapped == CODE:
        assert check_credit_code(swapped).organisation_code == "600037341"
    else:
        with pytest.raises(InvalidIdentity):
            check_credit_code(swapped)


@given(st.text())
def test_any_text_is_answered_with_a_sentence_that_does_not_repeat_it(text):
    for check in (check_credit_code, check_phone, lambda number: check_resident_id(number, TODAY)):
        try:
            check(text)
        except InvalidIdentity as error:
            assert str(error).endswith("。")
            assert len(text) < 8 or text not in str(error)


@pytest.mark.parametrize(
    "written, stored",
    [
        ("13800000417", "13800000417"),
        (" 138 0000-0417 ", "13800000417"),
        ("+86 13800000417", "13800000417"),
        ("１３８０００００４１７", "13800000417"),
        ("023-67890123", "023-67890123"),
        ("（0859）3221417", "0859-3221417"),
        ("01067890123", "010-67890123"),
    ],
)
def test_a_phone_number_has_one_stored_spelling(written, stored):
    assert check_phone(written) == stored
    assert check_phone(stored) == stored


@pytest.mark.parametrize(
    "written, says",
    [
        ("", "请填写"),
        ("1380000041", "您填了 10 位"),
        ("138000004177", "您填了 12 位"),
        ("12800000417", "前 3 位"),
        ("67890123", "区号"),
        ("000-67890123", "区号"),
        ("138O0000417", "只有数字"),
    ],
)
def test_an_impossible_phone_number_is_refused_with_what_to_do(written, says):
    with pytest.raises(InvalidIdentity, match=says):
        check_phone(written)
