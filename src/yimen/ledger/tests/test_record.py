"""The row ledger_record() makes in the database is the one record() would have made."""

import json

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yimen.ledger import chain
from yimen.ledger.models import Event
from yimen.ledger.tests.helpers import AT, REGION

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
flat = st.dictionaries(text, st.none() | st.booleans() | st.integers(-(10**30), 10**30) | text, max_size=5)


def write(data, stream="ticket:1", at=AT):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ledger_record(%s, %s, 'hall.called', 'staff:1', 'clerk', %s, %s::jsonb)",
            [REGION, stream, at, json.dumps(data)],
        )
        return Event.objects.get(pk=cursor.fetchone()[0])


@pytest.mark.django_db
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(data=flat, stream=text)
def test_its_hash_is_that_of_the_canonical_body(data, stream):
    with transaction.atomic():  # each example begins the stream anew
        for at in (AT, AT.replace(microsecond=0)):
            row = write(data, stream, at)
            body = chain.body(REGION, stream, "hall.called", "staff:1", "clerk", at, data)
            assert row.data == data
            assert bytes(row.hash) == chain.digest(bytes(row.previous), row.seq, body)
        transaction.set_rollback(True)


@pytest.mark.django_db
@pytest.mark.parametrize("data", [{"n": [1]}, {"n": {"a": 1}}], ids=["list", "object"])
def test_nested_data_is_refused(data):
    with pytest.raises(DatabaseError, match="flat") as refused:
        write(data)
    assert isinstance(refused.value.__cause__, psycopg.errors.RaiseException)
