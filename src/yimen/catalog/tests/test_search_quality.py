"""
How good search is on questions nobody tuned it to, and on the sample sets; slow.

The everyday questions in data/city_queries.txt are ours: lines 1, 3, 5 … were looked at while the words were
collected, lines 2, 4, 6 … never were.
"""

import gzip
from collections import defaultdict

import pytest
from django.utils import timezone

from yimen.catalog import importers, lexicon, queries, search
from yimen.catalog.models import ServiceItem
from yimen.catalog.tests.shelf import city, json_lines, ndcg
from yimen.ledger.actions import SYSTEM
from yimen.lib import ranking, text
from yimen.testing import shared

pytestmark = pytest.mark.slow
REGION = "440000"


def _mean(scores):
    return round(sum(scores) / len(scores), 4)


def _city(half):
    catalogue, asked = city()
    return catalogue, [(query, relevant) for query, relevant in asked[half::2] if relevant]


@pytest.mark.parametrize(("half", "least"), [(0, 0.94), (1, 0.9)], ids=["looked at", "held out"])
def test_everyday_questions_on_a_city_catalogue(half, least):
    catalogue, asked = _city(half)
    score = _mean([ndcg(catalogue.codes(query), relevant) for query, relevant in asked])
    assert score >= least, f"nDCG@10 {score}"


def test_nine_of_ten_everyday_questions_find_what_they_mean_among_ten():
    catalogue, asked = _city(1)
    missed = [
        query
        for query, relevant in asked
        if not {code for code, grade in relevant.items() if grade == 2} & {*catalogue.codes(query)[:10]}
    ]
    assert len(missed) <= len(asked) * 0.1, missed


def test_without_the_words_of_everyday_life_they_find_far_less(monkeypatch):
    """The broken variant: the thresholds above would notice."""
    monkeypatch.setattr(lexicon, "shipped", lambda longest=0: {})
    catalogue, asked = _city(1)
    assert _mean([ndcg(catalogue.codes(query), relevant) for query, relevant in asked]) < 0.75


@pytest.fixture(scope="module")
def imported(once_for_module):
    path = shared("data/catalogue/guangdong_province.jsonl.gz")
    return once_for_module(lambda: importers.import_guangdong(path, by=SYSTEM, at=timezone.now()))


@pytest.fixture
def guangdong(imported, db):
    """The guides of a whole province."""


def _found(query):
    return [item.task_code for item in queries.search(query, 10, region=REGION)]


def test_everyday_questions_on_two_thousand_real_guides(guangdong):
    asked = json_lines(shared("data/search/lay_queries_guangdong.jsonl").read_text("utf-8"))
    score = _mean([ndcg(_found(one["query"]), one["relevant"]) for one in asked if one["relevant"]])
    assert score >= 0.93, f"nDCG@10 {score}"


def test_every_word_of_two_or_three_characters_finds_the_names_that_hold_it(guangdong):
    """Of the ten that come, ten hold the word; all that hold it come when they are fewer."""
    names = {item.task_code: text.one_spelling(item.name) for item in ServiceItem.objects.only("task_code", "name")}
    holding = defaultdict(set)
    for code, name in names.items():
        for run in text.han_runs(name):
            for size in (2, 3):
                for start in range(len(run) - size + 1):
                    holding[run[start : start + size]].add(code)
    words = sorted(holding)[::211]
    wrong = []
    for word in words:
        found = _found(word)
        if len(holding[word] & {*found}) < min(10, len(holding[word])):
            wrong.append(word)
    assert len(words) > 80 and not wrong, wrong


@pytest.fixture(scope="module")
def policies():
    def read(name):
        return json_lines(gzip.decompress(shared(f"data/search/{name}").read_bytes()).decode())

    documents = read("ncp_policy_passages.jsonl.gz")
    return ranking.Shelf(((one["docid"], "", one["text"]) for one in documents), lexicon.PROVINCES), read(
        "ncp_policy_questions.jsonl.gz"
    )


def test_questions_about_policies_through_the_same_scoring(policies):
    shelf, asked = policies
    scores = [
        ndcg([hit.key for hit in shelf.search(search.about(one["query"]))], one["relevant"])
        for one in asked
        if one["relevant"]
    ]
    assert _mean(scores) >= 0.92, f"nDCG@10 {_mean(scores)}"
