import pytest
from hypothesis import given
from hypothesis import strategies as st

from yimen.lib.text import beginnings, bigrams, initials, normalise, query_tokens


@pytest.mark.parametrize(
    "text, spelling",
    [
        ("《食品经营许可》（新办）", "食品经营许可 新办"),
        ("ＡＢＣ－１２３", "abc 123"),
        ("  第①类\n医疗器械 ", "第1类 医疗器械"),
        ("……", ""),
        ("", ""),
    ],
)
def test_text_has_one_spelling(text, spelling):
    assert normalise(text) == spelling


@pytest.mark.parametrize(
    "text, tokens",
    [
        ("食品经营", ["食", "品", "经", "营", "食品", "品经", "经营"]),
        ("税", ["税"]),
        ("A类 ISO9001", ["a", "类", "iso9001"]),
        ("户口、户籍", ["户", "口", "户口", "籍", "户籍"]),
        ("𬱖𠮷", ["𬱖", "𠮷", "𬱖𠮷"]),
        ("", []),
    ],
)
def test_tokens_are_characters_pairs_and_words(text, tokens):
    assert bigrams(text) == tokens


def test_a_query_asks_for_pairs_and_for_lone_characters_only():
    assert query_tokens("食品 税 iso9001") == ["食品", "税", "iso9001"]


words = st.text("食品经营许可证abc12，（", max_size=12)


@given(words, words, words)
def test_whatever_chinese_stands_in_a_text_is_found_by_its_tokens(before, middle, after):
    han = "".join(character for character in middle if character > "一")
    assert set(query_tokens(han)) <= set(bigrams(before + han + after))
    assert set(query_tokens(middle)) <= set(bigrams(middle))


@given(st.text())
def test_any_text_is_taken_and_normalising_twice_changes_nothing(text):
    assert normalise(normalise(text)) == normalise(text)
    assert bigrams(normalise(text)) == bigrams(text)
    assert len(bigrams(text)) == len(set(bigrams(text)))


def test_how_titles_begin_is_two_first_letters_in_every_reading():
    titles = ["（演示）食品", "重庆", "開飯館", "ETC 办理", "证", ""]
    assert beginnings(titles, "^") == ["^ys", "^zq", "^cq", "^kf"]
    assert initials("重a 证") == [frozenset("zc"), frozenset("a"), frozenset("z")]


@given(st.lists(st.text(st.one_of(st.characters(), st.characters(min_codepoint=0xF900, max_codepoint=0xFAFF)))))
def test_any_title_may_begin_as_it_likes(titles):
    assert all(len(token) == 3 for token in beginnings(titles, "^"))
