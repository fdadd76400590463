"""What makes two submissions of a form the same."""

import pytest
from django.core.exceptions import BadRequest
from django.test import RequestFactory

from yimen.ledger.once import MOST_KEY_CHARACTERS
from yimen.web.once import body_of, keyed


@pytest.mark.parametrize(
    ("other", "same"),
    [("/act/?ticket=1", True), ("/act/?ticket=2", False), ("/act/", False), ("/other/?ticket=1", False)],
)
def test_the_whole_address_belongs_to_what_was_sent(other, same):
    make = RequestFactory()
    first, second = make.post("/act/?ticket=1", {"a": "1", "_key": "k"}), make.post(other, {"a": "1", "_key": "k"})
    assert (body_of(first) == body_of(second)) is same


@pytest.mark.parametrize("key", ["", "k" * (MOST_KEY_CHARACTERS + 1)])
def test_a_form_with_no_key_or_one_too_long_is_refused(key):
    def never(*_args):
        raise AssertionError

    with pytest.raises(BadRequest):
        keyed("test.act", stay=never)(never)(RequestFactory().post("/act/", {"_key": key}))
