"""What a query becomes and in which order items come: the engine without a database."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yimen.catalog import lexicon, search
from yimen.catalog.models import ItemVersion
from yimen.catalog.tests.shelf import Catalogue
from yimen.lib import ranking, text

NAMES = (
    "食品经营许可（新办）", "食品经营许可变更", "食品经营许可证补证", "食品生产许可", "居民身份证补领",
    "居民身份证换领",
    "出生登记", "内地居民结婚登记", "机动车驾驶证遗失补证", "不动产转移登记（继承、受遗赠）", "取水许可",
    "ETC 电子标签办理",
    "公章刻制备案",
)  # fmt: skip


@pytest.fixture(scope="module")
def catalogue():
    return Catalogue([(name, name, (), "示例市某局") for name in NAMES])


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("食品", "食品"),
        ("取水", "取水许可"),
        ("章", "公章刻制备案"),
        ("开饭馆", "食品经营许可（新办）"),
        ("请问开个小饭馆要办什么证？", "食品经营许可（新办）"),
        ("身份证丢了怎么办", "居民身份证补领"),
        ("身份证过期了", "居民身份证换领"),
        ("驾照丢了", "机动车驾驶证遗失补证"),
        ("領結婚證", "内地居民结婚登记"),
        ("開飯館", "食品经营许可（新办）"),
        ("shipin jingying", "食品经营许可（新办）"),
        ("jiehundengji", "内地居民结婚登记"),
        ("kaifanguan", "食品经营许可（新办）"),
        ("shi pin jing ying", "食品经营许可（新办）"),
        ("shipinj", "食品"),
        ("shipinjingyi", "食品经营许可（新办）"),
        ("spjy", "食品经营许可（新办）"),
        ("sp jy", "食品经营许可（新办）"),
        ("sp", "食品"),
        ("nd", "内地居民结婚登记"),
        ("spjyxkzz", "食品经营许可"),
        ("dzbqbl", "ETC 电子标签办理"),
        ("ＥＴＣ", "ETC 电子标签办理"),
        ("食品径营许可", "食品经营许可（新办）"),
        ("食品经管许可", "食品经营许可（新办）"),
        ("食品营许可", "食品经营许可（新办）"),
        ("食品营经许可", "食品经营许可（新办）"),
        ("居民身份正补领", "居民身份证补领"),
    ],
)
def test_everyday_words_sounds_other_scripts_and_slips_find(catalogue, query, first):
    assert catalogue.names(query)[0].startswith(first)


@pytest.mark.parametrize(
    "query", ["火星移民", "", "，。", "zzz", "xyzzy", "spjzzy", "spjqqy", "qp", "怎么办", "🙂", "的", "\x00"]
)
def test_what_is_not_there_is_not_found(catalogue, query):
    assert catalogue.names(query) == []


@pytest.mark.parametrize(
    ("letters", "found"),
    [
        ("sp", ["食品经营许可", "食品生产许可"]),
        ("rt", ["入托登记"]),
        ("pj", []),
        ("gjjtq", ["提取公积金"]),
        ("gjjtz", []),
        ("yzz", ["小营业执照"]),
        ("xyzzy", []),
    ],
    ids=str,
)
def test_first_letters_find_what_begins_so_or_has_each_of_them(letters, found):
    rows = [
        ("食品经营许可", ()),
        ("食品生产许可", ()),
        ("儿童入园", ("入托登记",)),
        ("提取公积金", ()),
        ("照", ("小营业执照",)),
    ]
    named = Catalogue([(name, name, everyday, "示例市某局") for name, everyday in rows])
    question = search.settled(search.asked(letters), named.frequency.__getitem__)
    candidates = [
        search.Candidate(
            name, name, everyday, frozenset(t for t in question.tokens if name in named.holding.get(t, ()))
        )
        for name, everyday in rows
    ]
    ranked = search.rank(question, candidates, named.frequency.__getitem__, len(rows))
    assert sorted(one.name for one in ranked) == sorted(found)


@pytest.mark.parametrize("query", ["school meals", "School  Meals", "free school meals", "find out about school meals"])
def test_words_of_another_language_are_words_each(query):
    names = ("Find out about free school meals", "Find out about council tax", "Find out school term dates")
    english = Catalogue([(name, name, (), "local authorities") for name in names])
    assert english.names(query)[0] == names[0]


def test_a_new_thing_comes_before_changing_or_replacing_it_unless_that_is_asked(catalogue):
    assert catalogue.names("食品经营许可")[0] == "食品经营许可（新办）"
    assert catalogue.names("食品经营许可变更")[0] == "食品经营许可变更"


def test_the_regions_own_word_comes_before_the_shipped_one(catalogue):
    assert catalogue.names("开饭馆", {"开饭馆": ("取水许可",)})[0] == "取水许可"
    assert catalogue.names("买口粮", {"买口粮": ("食品生产许可",)})[0] == "食品生产许可"
    assert catalogue.names("食品 哈哈哈哈", {"哈哈哈哈": ()}) == catalogue.names("食品")


@given(st.text(max_size=80))
def test_any_text_makes_a_question_and_no_token_is_empty(query):
    question = search.asked(query)
    assert all(question.tokens) and all(concept.ways for concept in question.concepts)


@given(st.text(alphabet="食品经营许可证办理公安局登记abc123 ", max_size=30))
def test_an_item_is_found_by_its_whole_name(name):
    if text.one_spelling(name) and not all(means == () for _w, means in lexicon.words_in(name, lexicon.shipped())):
        assert Catalogue([("a", name, (), "局"), ("b", "别的事", (), "局")]).names(name)[:1] == [name]


def test_shipped_words_are_in_the_spelling_search_uses():
    words = lexicon.shipped()
    assert len(words) > 900
    assert [word for word in words if text.one_spelling(word) != word] == []
    assert [word for word in words if len(word) == 1 and words[word]] == []
    assert all(len(means) <= 20 for means in words.values())


def test_tokens_hold_names_once_and_the_rest_as_pairs():
    version = ItemVersion(name="取水许可", everyday_names=["打井"], result_name="取水许可证", themes=["水利"])
    tokens = search.tokens_of(version, "水利局")
    assert {"=取水", "=许可", "=打井", "=水", "可证", "水利", "利局", "~qu'shui", "^qsx"} <= set(tokens)
    assert "取水" not in tokens and "利" not in tokens and len(tokens) == len(set(tokens))


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_a_rarer_token_is_worth_more(a, b):
    fewer, more = sorted((a, b))
    assert ranking.rarity(fewer, 1000) >= ranking.rarity(more, 1000) >= 0


def test_pinyin_is_read_in_every_way_it_can_be():
    assert text.spelt("xian")[0] == ["xian"] and ["xi", "an"] in text.spelt("xian")
    assert text.spelt("spwf") == [] and text.spelt("") == []
    assert text.begun("shipinj")[0] == ["shi", "pin"]
    assert text.begun("spwf") == text.begun("shix") == text.begun("") == []
    assert text.readings("行") == ("xing", "hang") and text.readings("绿") == ("lv",) and text.readings("A") == ()


def test_what_thousands_of_items_hold_is_not_looked_up_beside_something_that_tells_more():
    held = {"食品": 2_000, "药品": 2_000, "补发": 5_000}

    def alone(query):
        found = search.look_ups(search.asked(query), lambda token: held.get(token, 0), 100_000)
        return [one.tokens for one in found if len(one.tokens) == 1]

    assert ("=补发",) in alone("补发")
    assert alone("食品 补发") == [("=食品",)]


@given(st.lists(st.tuples(st.lists(st.sampled_from("甲乙丙"), min_size=1, unique=True), st.integers(1, 5)), max_size=6))
def test_gathered_are_the_items_the_weightiest_look_ups_find(asked):
    holding = {"甲": {1, 2, 3, 4, 9}, "乙": {2, 3, 5}, "丙": {3, 6, -1}}
    postings = search.Postings()
    for token, places in holding.items():
        postings.list(search.NAME + token, len(places - {-1}), search.packed(array("i", sorted(places - {-1}))))
    postings.hold(-1, [search.NAME + "丙"])
    looked = [search.LookUp(tuple(search.NAME + token for token in tokens), weight) for tokens, weight in asked]
    weights = {}
    for tokens, weight in asked:
        for place in set.intersection(*(holding[token] for token in tokens)):
            weights[place] = weights.get(place, 0) + weight
    best = sorted(weights, key=lambda place: (-weights[place], place))[:4]
    gathered = search.gathered(looked, postings, 4)
    assert list(gathered) == best
    assert all(held <= {token for token in holding if place in holding[token]} for place, held in gathered.items())
    assert postings.frequency("丙") == 3 and postings.frequency("丁") == 0


def test_a_list_that_was_not_asked_for_is_read_when_a_look_up_needs_it():
    postings = search.Postings()
    postings.list("=食", 2, None)
    look_up = search.LookUp(("=食",), 1.0)
    assert postings.unread([look_up]) == {"=食"} and postings.unread([]) == set()
    postings.read("=食", search.packed(array("i", [7, 8])))
    assert postings.unread([look_up]) == set() and postings.holding(["=食"]) == {7, 8}
    assert postings.holding(["=食", "=品"]) == set()
