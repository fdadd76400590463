import pytest
from hypothesis import given
from hypothesis import strategies as st

from yimen.lib import mask


@pytest.mark.parametrize(
    "function, text, shown",
    [
        (mask.name, "林小满", "林*满"),
        (mask.name, "张三", "张*"),
        (mask.name, "欧阳小满", "欧**满"),
        (mask.name, "阿依古丽·买买提", "阿******提"),
        (mask.name, "林小满（演示）", "林*满（演示）"),
        (mask.name, "张三（演示）", "张*（演示）"),
        (mask.name, "（演示）", "（演示）"),
        (mask.name, "林", "*"),
        (mask.name, " ", ""),
        (mask.name, "", ""),
        (mask.id_number, "430312196401270001", "430*************01"),
        (mask.id_number, "12345678", "123***78"),
        (mask.id_number, "1234567", "*******"),
        (mask.id_number, "", ""),
        (mask.phone, "13800000417", "138****0417"),
        (mask.phone, "023-67890123", "023-****0123"),
        (mask.phone, "02367890123", "023-****0123"),
        (mask.phone, "0859-3221417", "0859-***1417"),
        (mask.phone, "67890123", "****0123"),
        (mask.phone, "12345", "*****"),
        (mask.phone, "", ""),
        (mask.bank_account, "6222020000000000417", "***************0417"),
        (mask.bank_account, "12345", "*****"),
    ],
)
def test_only_the_ends_are_shown(function, text, shown):
    assert function(text) == shown


@given(st.sampled_from([mask.name, mask.id_number, mask.phone, mask.bank_account]), st.text())
def test_any_text_is_masked_without_fault(function, text):
    shown = function(text)
    kept = len(shown.removesuffix(mask.DEMO_MARK).replace(mask.STAR, ""))
    assert kept <= 8
    if text.strip() and text.strip() != mask.DEMO_MARK:
        assert mask.STAR in shown
