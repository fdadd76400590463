import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from yimen.ledger import actions, followers
from yimen.ledger.followers import TRIES, behind, follow
from yimen.ledger.models import Event, Follower, Unhandled
from yimen.ledger.tests.helpers import AT, CLERK, REGION, append, settle

pytestmark = pytest.mark.django_db(transaction=True)
KINDS = {"test.happened"}


@pytest.fixture
def another(server_urls):
    """A second connection with the application's rights."""
    with psycopg.connect(server_urls.app, autocommit=True) as made:
        yield made


def _happen(count=1, kind="test.happened"):
    with transaction.atomic():
        for _ in range(count):
            actions.record("test:one", kind, region=REGION, by=CLERK, at=AT)


def _effect(event):
    actions.record("effects", "test.effect", region=REGION, by=CLERK, at=AT, data={"of": event.pk})


def _effects():
    return [event.data["of"] for event in Event.objects.filter(stream="effects").order_by("seq")]


def _run(handle=_effect, **more):
    settle()
    return follow("test", KINDS, handle, at=AT, **more)


class NaiveWatermark:
    """What many programs do: remember the largest id seen. It must fail where follow() does not."""

    def __init__(self):
        self.last_id = 0

    def __call__(self, handle):
        for event in Event.objects.filter(kind__in=KINDS, pk__gt=self.last_id).order_by("pk"):
            handle(event)
            self.last_id = event.pk


def _follow_once(handle):
    follow("test", KINDS, handle, at=AT)


@pytest.mark.parametrize("run, skips", [(_follow_once, False), (NaiveWatermark(), True)])
def test_a_transaction_that_began_earlier_and_commits_later_is_never_skipped(another, run, skips):
    another.execute("BEGIN")
    early = append(another, "test:early")
    _happen()
    late = Event.objects.get(stream="test:one").pk
    assert early < late
    handled = []
    run(lambda event: handled.append(event.pk))
    another.execute("COMMIT")
    settle()
    run(lambda event: handled.append(event.pk))
    assert handled == ([late] if skips else [early, late])


def test_every_row_is_handled_once_and_in_order(another):
    _happen(5)
    _happen(2, kind="test.other")
    settle()
    assert behind("test", KINDS) == 5
    assert _run(limit=3) == 3
    assert _run(limit=3) == 2
    assert _run() == 0
    assert behind("test", KINDS) == 0
    assert _effects() == list(Event.objects.filter(kind="test.happened").order_by("id").values_list("pk", flat=True))


def test_a_second_follower_of_the_same_name_gets_nothing_at_once(another):
    _happen(2)
    _run(limit=1)
    another.execute("BEGIN")
    another.execute("SELECT 1 FROM ledger_follower WHERE name = 'test' FOR UPDATE")
    assert _run() == 0
    another.execute("COMMIT")
    assert _run() == 1


def test_a_crash_between_the_effect_and_the_commit_leaves_one_effect(admin_connection):
    _happen(3)
    seen = []

    def handle(event):
        _effect(event)
        seen.append(event.pk)
        if len(seen) == 2:
            admin_connection.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])

    with pytest.raises(OperationalError):
        _run(handle)
    connection.close()
    assert _effects() == []
    assert _run(handle) == 3
    assert len(_effects()) == len(set(_effects())) == 3
    assert len(seen) == 5


def test_a_row_that_cannot_be_handled_is_tried_again_then_put_aside():
    _happen(4)
    poison = Event.objects.order_by("id")[1].pk
    tries = []

    def handle(event):
        _effect(event)
        if event.pk == poison:
            tries.append(event.pk)
            raise ValueError("王小明 13900000417")

    assert _run(handle) == 1
    for _ in range(TRIES - 2):
        assert _run(handle) == 0
        assert Follower.objects.get().last_id < poison
    assert not Unhandled.objects.exists()
    assert _run(handle) == 2
    assert len(tries) == TRIES
    assert [(row.follower, row.event_id, row.error) for row in Unhandled.objects.all()] == [
        ("test", poison, "ValueError")
    ]
    assert poison not in _effects()
    assert len(_effects()) == 3


def test_an_error_that_passes_is_forgotten():
    _happen(2)
    fails = [True]

    def handle(event):
        if fails:
            fails.pop()
            raise RuntimeError
        _effect(event)

    assert _run(handle) == 0
    assert _run(handle) == 2
    assert (Follower.objects.get().failures, Unhandled.objects.count()) == (0, 0)


def test_rows_of_other_kinds_are_passed_over(monkeypatch):
    monkeypatch.setattr(followers, "STEP", 0)
    _happen(3, kind="test.other")
    assert _run() == 0
    assert Follower.objects.get().tx >= Event.objects.latest("tx").tx
    _happen()
    assert _run() == 1


def test_regions_are_followed_apart():
    for region in ("500000", "440000"):
        with transaction.atomic():
            actions.record("test:one", "test.happened", region=region, by=CLERK, at=AT)
    assert _run(region="440000") == 1
    assert _run() == 2
