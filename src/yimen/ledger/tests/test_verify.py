import json
from datetime import timedelta

import psycopg
import pytest
from django.db import transaction

from yimen import cli
from yimen.commands import ledger as command
from yimen.ledger import chain, seals
from yimen.ledger.bulk import NewEvent, record_many
from yimen.ledger.models import Event, Seal
from yimen.ledger.seals import Line, SealsDisagree, publish, read_outside
from yimen.ledger.tests.helpers import AT, CLERK, REGION, append, settle
from yimen.ledger.verify import verify

pytestmark = pytest.mark.django_db(transaction=True)


def _write(first, last, *, stream_count=3):
    """Rows number first to last, round the streams case:0, case:1 …"""
    with transaction.atomic():
        record_many(
            NewEvent(REGION, f"case:{n % stream_count}", "cases.step", "staff:1", "clerk", AT, {"n": n, "字": "好"})
            for n in range(first, last + 1)
        )


def _seal(minute):
    settle()
    made = seals.seal(AT + timedelta(minutes=minute))
    publish()
    return made


@pytest.fixture
def year(outside):
    """Nine rows in three streams under three seals: n 0 to 2, 3 to 5, 6 to 8."""
    for minute in range(3):
        _write(minute * 3, minute * 3 + 2)
        assert _seal(minute).row_count == 3
    return [event.pk for event in Event.objects.order_by("tx", "id")]


@pytest.fixture
def tamper(owner_connection):
    owner_connection.execute("ALTER TABLE ledger_event DISABLE TRIGGER USER")
    owner_connection.execute("ALTER TABLE ledger_seal DISABLE TRIGGER USER")
    return owner_connection.execute


def _where(fault):
    return (fault.stream, fault.seq, fault.row_id)


def test_an_untouched_ledger_is_intact(year, outside):
    report = verify(outside)
    assert report.is_intact, report.fault
    counts = (report.row_count, report.stream_count, report.seal_count, report.unsealed_count, report.outside_count)
    assert counts == (9, 3, 3, 0, 3)
    assert report.sealed_until == AT + timedelta(minutes=2)
    assert not report.is_renumbered


CHANGES = {
    "region": ["'440000'"],
    "stream": ["'case:9'"],
    "seq": ["9"],
    "kind": ["'cases.other'"],
    "actor": ["'staff:2'"],
    "role": ["''"],
    "at": ["at + interval '1 microsecond'"],
    "data": ["data || '{\"n\": 44}'", "'[]'", "data || '{\"n\": 4.0}'"],
    "previous": ["hash"],
    "hash": ["previous"],
}
ADDED = {"id": ["id + 100"], "tx": ["tx - 1"], "recorded_at": ["recorded_at - interval '1 day'"]}


@pytest.fixture
def faults(year, owner_connection, tamper):
    """Change the fifth row (case:1, seq 2) in one column, verify, put it back."""

    def faults(changes):
        for column, value in [(column, value) for column, values in changes.items() for value in values]:
            with owner_connection.transaction():
                tamper("CREATE TEMP TABLE kept AS SELECT * FROM ledger_event WHERE id = %s", [year[4]])
                tamper(f"UPDATE ledger_event SET {column} = {value} WHERE id = %s", [year[4]])
            yield column, verify().fault
            with owner_connection.transaction():
                tamper("DELETE FROM ledger_event WHERE id IN (%s, %s)", [year[4], year[4] + 100])
                tamper("INSERT INTO ledger_event OVERRIDING SYSTEM VALUE SELECT * FROM kept")
                tamper("DROP TABLE kept")

    return faults


def test_every_column_has_its_case():
    assert {field.column for field in Event._meta.fields} == set(CHANGES) | set(ADDED)


def test_a_change_in_any_column_is_found_in_its_row(year, faults):
    for column, fault in faults(CHANGES):
        # a row that left its place is missed there
        row_id = None if column in {"region", "stream", "seq"} else year[4]
        assert _where(fault) == ("case:1", 2, row_id), column
    assert verify().is_intact


def test_what_the_database_added_to_a_row_is_under_the_seal(year, faults):
    for column, fault in faults(ADDED):
        assert (fault.after, fault.until) in {(year[2], year[5]), (0, year[2])}, column
    assert verify().is_intact


def test_a_deleted_row_is_named(year, tamper):
    tamper("DELETE FROM ledger_event WHERE id = %s", [year[4]])
    assert _where(verify().fault) == ("case:1", 2, None)


def test_the_first_row_of_a_stream_is_missed(year, tamper):
    tamper("DELETE FROM ledger_event WHERE id = %s", [year[1]])
    assert _where(verify().fault) == ("case:1", 1, None)


def test_the_last_row_of_a_stream_is_missed_by_its_seal(year, tamper):
    tamper("DELETE FROM ledger_event WHERE id = %s", [year[7]])
    fault = verify().fault
    assert (fault.stream, fault.after, fault.until) == ("", year[5], year[8])


def test_a_whole_stream_is_missed_by_its_first_seal(year, tamper):
    tamper("DELETE FROM ledger_event WHERE stream = 'case:1'")
    fault = verify().fault
    assert (fault.after, fault.until) == (0, year[2])


def test_two_rows_that_changed_places_are_found(year, tamper):
    tamper("UPDATE ledger_event SET seq = 100 WHERE id = %s", [year[1]])
    tamper("UPDATE ledger_event SET seq = 1 WHERE id = %s", [year[4]])
    tamper("UPDATE ledger_event SET seq = 2 WHERE id = %s", [year[1]])
    assert _where(verify().fault) == ("case:1", 2, year[1])


def test_a_row_slipped_in_under_a_seal_is_found(year, tamper, admin_connection):
    append(admin_connection, "case:1")
    assert verify().is_intact
    tamper("UPDATE ledger_event SET tx = (SELECT tx FROM ledger_event WHERE id = %s) WHERE id > %s", [year[4], year[8]])
    fault = verify().fault
    assert (fault.after, fault.until) == (year[5], year[8])


def test_the_first_of_several_is_named(year, tamper):
    tamper("UPDATE ledger_event SET actor = 'staff:2' WHERE id = ANY(%s)", [[year[8], year[3], year[6]]])
    assert _where(verify().fault) == ("case:0", 2, year[3])


def _rewrite(tamper, stream):
    """Do what somebody does who knows how the chain is made."""
    previous = chain.START
    for event in Event.objects.filter(stream=stream).order_by("seq"):
        row = chain.body(event.region, stream, event.kind, "staff:2", event.role, event.at, event.data)
        hash_ = chain.digest(previous, event.seq, row)
        tamper(
            "UPDATE ledger_event SET actor = 'staff:2', previous = %s, hash = %s WHERE id = %s",
            [previous, hash_, event.pk],
        )
        previous = hash_


def _rewrite_seals(tamper):
    chained, start = chain.START, (0, 0)
    for seal in Seal.objects.order_by("pk"):
        tree = chain.Merkle()
        for event in Event.objects.order_by("tx", "id"):
            if start < (event.tx, event.pk) <= (seal.tx, seal.last_id):
                recorded_us = round(event.recorded_at.timestamp() * 1_000_000)
                tree.add(chain.leaf(bytes(event.hash), event.tx, event.pk, recorded_us))
        root = tree.root()
        chained = chain.sealed(chained, seal.sealed_at, seal.tx, seal.last_id, tree.count, root)
        tamper(
            "UPDATE ledger_seal SET root = %s, chained = %s, row_count = %s WHERE id = %s",
            [root, chained, tree.count, seal.pk],
        )
        start = (seal.tx, seal.last_id)


def test_a_stream_rewritten_with_its_hashes_is_found_by_the_seals(year, tamper):
    _rewrite(tamper, "case:1")
    fault = verify().fault
    assert (fault.stream, fault.after, fault.until) == ("", 0, year[2])


def test_seals_rewritten_too_are_found_by_the_outside_file(year, tamper, outside):
    _rewrite(tamper, "case:1")
    _rewrite_seals(tamper)
    assert verify().is_intact  # nothing in the database tells: what left the machine must
    fault = verify(outside).fault
    assert (fault.after, fault.until) == (0, year[2])


@pytest.mark.parametrize(
    "column, value", [("root", "chained"), ("sealed_at", "sealed_at + interval '1 hour'"), ("row_count", "7")]
)
def test_a_changed_seal_is_found(year, tamper, column, value):
    tamper(f"UPDATE ledger_seal SET {column} = {value} WHERE last_id = %s", [year[5]])
    fault = verify().fault
    assert (fault.after, fault.until) == (year[2], year[5])


def test_a_removed_seal_is_found(year, tamper):
    tamper("DELETE FROM ledger_seal WHERE last_id = %s", [year[5]])
    assert verify().fault.until == year[8]


def test_a_tail_cut_off_with_its_seal_is_found_by_the_outside_file(year, tamper, outside):
    tamper("DELETE FROM ledger_event WHERE id > %s", [year[5]])
    tamper("DELETE FROM ledger_seal WHERE last_id > %s", [year[5]])
    assert verify().is_intact
    fault = verify(outside).fault
    assert (fault.after, fault.until) == (year[5], year[8])
    _write(9, 11)
    settle()
    assert seals.seal(AT + timedelta(minutes=5))
    with pytest.raises(SealsDisagree):
        publish()


def test_an_older_copy_of_the_outside_file_still_serves(year, outside, tmp_path):
    copy = tmp_path / "copy.log"
    copy.write_text("".join((outside / "2026-11.log").read_text().splitlines(keepends=True)[:2]))
    assert verify(copy).outside_count == 2
    copy.write_text("".join((outside / "2026-11.log").read_text().splitlines(keepends=True)[1:]))
    assert verify(copy).is_intact


def test_a_seal_covers_nothing_that_a_running_transaction_may_still_add(year, server_urls):
    with psycopg.connect(server_urls.app) as slow:
        append(slow, "case:slow")
        _write(9, 11)
        assert seals.seal(AT + timedelta(minutes=3)) is None
        slow.commit()
    assert _seal(4).row_count == 4
    assert verify().is_intact


def test_without_news_there_is_no_seal(year):
    assert _seal(3) is None


def test_a_clock_put_back_does_not_put_seals_back(year):
    _write(9, 9)
    assert _seal(-60).sealed_at == AT + timedelta(minutes=2)


@pytest.mark.parametrize("torn", [0, 20])
def test_a_crash_before_the_outside_file_was_written_is_made_up_for(year, outside, torn):
    lines = (outside / "2026-11.log").read_bytes().splitlines(keepends=True)
    (outside / "2026-11.log").write_bytes(lines[0] + lines[1][:torn])
    assert publish() == 2
    assert (outside / "2026-11.log").read_bytes() == b"".join(lines)
    assert publish() == 0
    assert list(read_outside(outside)) == [Line.of(seal) for seal in Seal.objects.order_by("pk")]


def test_a_new_month_begins_a_new_file(year, outside):
    _write(9, 9)
    _seal(60 * 24 * 20)
    assert sorted(path.name for path in outside.glob("*.log")) == ["2026-11.log", "2026-12.log"]
    assert verify(outside).outside_count == 4


def _run(*words):
    parser = cli.Parser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(words))


def test_the_command_says_in_one_exit_code_whether_the_ledger_is_intact(year, tamper, capsys, outside):
    assert _run("verify") == 0
    assert "台账完好" in capsys.readouterr().out
    tamper("UPDATE ledger_event SET actor = 'staff:2' WHERE id = %s", [year[4]])
    assert _run("verify", "--format", "json") == 1
    answer = json.loads(capsys.readouterr().out)
    assert not answer["intact"]
    assert answer["first_fault"]["id"] == year[4]
    assert _run("verify") == 1
    assert f"case:1 第 2 条（id {year[4]}）" in capsys.readouterr().out
    (outside / "2026-11.log").write_text("what is this\n")
    assert _run("verify") == 2


def test_the_command_seals(year, capsys):
    _write(9, 10)
    settle()
    assert _run("seal", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out) == {"sealed": 2, "published": 1}


def test_rows_written_one_by_one_and_many_at_once_verify_alike(capsys):
    from yimen.ledger.actions import record

    with transaction.atomic():
        record("case:0", "cases.begun", region=REGION, by=CLERK, at=AT, data={"a": {"长": 1, "b": [None, True, -5]}})
    _write(0, 30_000, stream_count=6000)
    _seal(0)
    seen = []
    report = verify(progress=lambda done, total: seen.append((done, total)))
    assert report.is_intact, report.fault
    assert seen[-1] == (60_004, 60_004)
    with capsys.disabled():
        print(f"\n  verify: {report.rows_per_second:,} rows/s")
