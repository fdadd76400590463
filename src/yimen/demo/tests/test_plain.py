"""What the demo's items say in plain words is plain."""

import pytest

from yimen.catalog.queries.plain import plain_words
from yimen.catalog.rules import plain
from yimen.demo import centre
from yimen.demo.build import plain_of
from yimen.people.tests.factories import make_region


@pytest.mark.capability("S0-28")
@pytest.mark.django_db
def test_each_item_has_a_plain_version_without_jargon():
    words = plain_words(make_region())
    for one in centre.ITEMS:
        text = plain_of(one)
        jargon = [found.said for found in plain.check(text, words) if found.kind is plain.Fault.JARGON]
        assert text and not jargon, (one.name, jargon)
