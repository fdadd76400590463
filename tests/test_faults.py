"""The checkers find what is planted; the faults themselves run in their short version (slow)."""

import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from yimen.faults import cases
from yimen.faults.acts import BY_STATE, KEY_TOO, TRIED, UNKEYED, _kind
from yimen.faults.checker import Called, Row, Taken, Told, judge, longest_gap
from yimen.faults.proxy import Commits
from yimen.faults.result import Result

ROOT = Path(__file__).resolve().parents[1]


def a_day() -> tuple[Told, list[Row], list[str]]:
    """Three tickets taken, two called, one finished: told and found alike."""
    told = Told(
        taken=[Taken(f"key-{n}", f"t{n}", f"A00{n}") for n in (1, 2, 3)],
        called=[Called("w1", "t1"), Called("w2", "t2")],
        finished=["t1"],
        wishes={"key-1", "key-2", "key-3"},
    )
    rows = [
        Row("t1", "A001", "A", 1, "finished", "w1"),
        Row("t2", "A002", "A", 2, "called", "w2"),
        Row("t3", "A003", "A", 3, "waiting", None),
    ]
    return told, rows, ["t1", "t2"]


def test_a_clean_day_is_clean():
    assert judge(*a_day()).is_clean


def test_a_ticket_that_was_given_and_is_gone_is_lost():
    told, rows, calls = a_day()
    verdict = judge(told, rows[:2], calls)
    assert verdict.lost == 1
    assert "A003" in verdict.words[0]


def test_a_ticket_found_under_another_number_is_lost():
    told, rows, calls = a_day()
    rows[2] = Row("t3", "A004", "A", 4, "waiting", None)
    assert judge(told, rows, calls).lost == 1


def test_a_call_or_a_finish_rolled_back_after_the_answer_is_lost():
    told, rows, calls = a_day()
    rows[1] = Row("t2", "A002", "A", 2, "waiting", None)
    assert judge(told, rows, calls).lost == 1
    told, rows, calls = a_day()
    rows[0] = Row("t1", "A001", "A", 1, "called", "w1")
    assert judge(told, rows, calls).lost == 1


def test_a_ticket_nobody_wished_for_is_a_double():
    told, rows, calls = a_day()
    assert judge(told, [*rows, Row("t4", "A004", "A", 4, "waiting", None)], calls).doubled == 1


def test_a_number_given_twice_is_a_double():
    told, rows, calls = a_day()
    told.wishes.add("key-4")
    assert judge(told, [*rows, Row("t4", "A003", "A", 3, "waiting", None)], calls).doubled == 1


def test_one_ticket_told_to_two_people_is_a_double():
    told, rows, calls = a_day()
    told.taken.append(Taken("key-4", "t3", "A003"))
    told.wishes.add("key-4")
    assert judge(told, rows, calls).doubled == 1


def test_the_same_answer_given_again_is_no_double():
    told, rows, calls = a_day()
    told.taken.append(told.taken[0])
    told.called.append(told.called[0])
    assert judge(told, rows, calls).is_clean


def test_a_ticket_told_to_two_windows_is_called_twice():
    told, rows, calls = a_day()
    told.called.append(Called("w3", "t2"))
    assert judge(told, rows, calls).called_twice == 1


def test_two_calls_of_a_ticket_in_the_ledger_are_called_twice():
    told, rows, calls = a_day()
    assert judge(told, rows, [*calls, "t1"]).called_twice == 1


def test_a_call_no_window_learned_is_found():
    told, rows, calls = a_day()
    rows[2] = Row("t3", "A003", "A", 3, "called", "w3")
    verdict = judge(told, rows, [*calls, "t3"])
    assert (verdict.undelivered, verdict.lost) == (1, 0)


def test_a_number_left_out_is_a_gap():
    told, rows, calls = a_day()
    rows[2] = Row("t3", "A003", "A", 5, "waiting", None)
    assert judge(told, rows, calls).gaps == 2


def test_the_longest_gap_counts_both_ends():
    assert longest_gap([1.0, 1.5, 4.0], 0.0, 5.0) == 2.5
    assert longest_gap([], 0.0, 5.0) == 5.0
    assert longest_gap([0.5], 0.0, 5.0) == 4.5


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


STARTUP = struct.pack("!II", 8, 80877103) + struct.pack("!II", 13, 196608) + b"user\0"


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_commit_is_seen_however_the_bytes_arrive(size):
    sent = STARTUP + message(b"Q", b"BEGIN\0") + message(b"Q", b"SELECT 'COMMIT'\0") + message(b"Q", b"COMMIT\0")
    commits = Commits()
    seen = [commits.feed(sent[start : start + size]) for start in range(0, len(sent), size)]
    assert seen == [False] * (len(seen) - 1) + [True]


def test_a_prepared_commit_is_seen_and_other_words_are_not():
    commits = Commits()
    commits.feed(STARTUP)
    assert commits.feed(message(b"P", b"\0COMMIT\0\0\0"))
    assert not commits.feed(message(b"Q", b"ROLLBACK\0"))
    assert not commits.feed(message(b"Q", b"INSERT INTO t VALUES ('COMMIT')\0"))


def test_a_view_that_takes_a_post_without_a_key_is_told_from_one_that_does_not():
    login = (302, "/accounts/login/?next=/workbench/")
    assert _kind([login, (400, "")], is_api=False) == "keyed"
    assert _kind([login, (303, "/somewhere")], is_api=False) == "unkeyed"
    assert _kind([login, (422, "")], is_api=False) == "unkeyed"
    assert _kind([(401, ""), (422, "")], is_api=True) == "keyed"
    assert _kind([(401, ""), (200, "")], is_api=True) == "unkeyed"
    assert _kind([login, (405, "")], is_api=False) == "reads"
    assert _kind([login, (404, "")], is_api=False) == "unreached"


def test_every_exception_has_its_reason():
    assert all(len(reason) > 4 for reason in (*UNKEYED.values(), *BY_STATE.values()))
    assert not set(UNKEYED) & set(TRIED)
    assert KEY_TOO.issubset(BY_STATE)


@pytest.mark.parametrize(
    ("events", "notices", "lost", "doubled"),
    [
        ([("A", "case.received"), ("A", "case.accepted")], [("A", "receipt")], 0, 0),
        ([("A", "case.received")], [], 1, 0),
        ([("A", "case.received"), *[("A", "case.accepted")] * 2], [], 0, 1),
        ([("A", "case.received"), ("A", "case.accepted")], [("A", "receipt")] * 2, 0, 1),
        ([("A", "case.received"), ("B", "case.received"), ("A", "case.accepted")], [], 0, 1),
    ],
    ids=["clean", "an act is gone", "an act twice", "a document twice", "a case nobody wished for"],
)
def test_what_became_of_acts_of_cases_is_found(events, notices, lost, doubled):
    told = cases.Told([("A", "receive"), ("A", "accept")], {"key"})
    verdict = cases.judge(told, events, notices)
    assert (verdict.lost, verdict.doubled) == (lost, doubled)
    assert bool(verdict.words) is bool(lost or doubled)


def test_a_result_with_a_problem_does_not_hold():
    assert Result("REL-1", held=5).is_held
    assert not Result("REL-1", lost=1).is_held
    broken = Result("REL-1", problems=["nobody was answered"])
    assert not broken.is_held
    assert "BROKEN: nobody was answered" in str(broken)


def faults(*arguments: str) -> tuple[int, str]:
    values = {name: value for name, value in os.environ.items() if not name.startswith(("DATABASE_", "YIMEN_TEST"))}
    done = subprocess.run(
        [sys.executable, "-m", "yimen.faults", *arguments],
        env=values | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=1500,
        cwd=ROOT,
    )
    print(done.stdout, done.stderr[-3000:])
    return done.returncode, done.stdout


@pytest.mark.slow
@pytest.mark.timeout(1560)
def test_nothing_acknowledged_is_lost():
    code, said = faults("--short")
    figures = ROOT / ".yimen" / "faults.txt"  # .ci/run prints it: output of parallel tests is not shown
    figures.parent.mkdir(exist_ok=True)
    figures.write_text(said)
    assert code == 0, said
    for check in ("REL-1", "REL-2", "REL-5", "REL-6", "REL-16", "REL-24"):
        line = rf"{check} load held ([\d,]+) / faults survived ([\d,]+) / bad inputs tried [\d,]+ / lost 0 "
        found = re.search(line, said)
        assert found, said
        assert found[1] != "0"
        assert found[2] != "0"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_broken_build_fails_the_same_check():
    """Teeth: forgotten keys and a window called anew each time must be found out."""
    code, said = faults("--short", "--broken", "REL-5")
    assert code == 1, said
    assert "more than wishes" in said
