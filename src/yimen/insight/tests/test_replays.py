"""`yimen simulate replay`: another file of the same form works, a bad one is refused with line, value and reason."""

import gzip
import json

import pytest

from yimen import cli
from yimen.testing import shared

HEAD = "arrival_s,service_s\n"


@pytest.fixture
def file(tmp_path):
    def write(text, name="day.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def replay(capsys, path, *more):
    code = cli.main(["simulate", "replay", str(path), *more])
    return code, *capsys.readouterr()


def figures(capsys, path, servers, *more):
    code, out, _err = replay(capsys, path, "--servers", str(servers), "--format", "json", *more)
    assert code == 0
    return json.loads(out)


def test_the_busiest_days_equal_the_reference(capsys):
    (day, *_more) = json.loads(shared("data/queue/reference.json").read_text())["fcfs_replay"]
    path = shared(f"data/queue/replay_{day['day']}.csv")
    for expected in day["results"]:
        found = figures(capsys, path, expected["servers"], "--over", "60")
        assert {name: found[name] for name in ("mean_wait_s", "max_wait_s", "customers_who_wait")} == {
            name: expected[name] for name in ("mean_wait_s", "max_wait_s", "customers_who_wait")
        }
        assert found["p50_wait_s"] == expected["median_wait_s"]
        assert found["last_departure_s"] == expected["last_departure_s"]
        assert found["busy_seconds"] == expected["busy_seconds"] and found["customers"] == day["customers"]
        assert found["share_over"]["60"] == pytest.approx(
            1 - expected["served_within_60s"] / day["customers"], abs=1e-4
        )


def test_a_file_of_the_same_form_worked_out_by_hand(file, capsys):
    path = file("\ufeff" + HEAD.replace("\n", "\r\n") + "0,100\r\n10,100\r\n20.5,9.5\r\n\r\n")
    found = figures(capsys, path, 1, "--over", "100")
    assert found == {
        "servers": 1, "customers": 3, "mean_wait_s": 89.8333, "max_wait_s": 179.5, "p50_wait_s": 90,
        "p90_wait_s": 179.5, "p99_wait_s": 179.5, "customers_who_wait": 2, "utilisation": 1,
        "share_over": {"100": 0.3333}, "first_arrival_s": 0, "last_departure_s": 209.5, "busy_seconds": 209.5,
    }  # fmt: skip
    _code, out, _err = replay(capsys, path, "--servers", "2", "--over", "60")
    assert "3 人，2 个窗口" in out and "等超过 60 秒的占 33.3%" in out
    packed = file(gzip.compress(path.read_bytes()), "day.csv.gz")
    assert figures(capsys, packed, 1, "--over", "100") == found


@pytest.mark.parametrize(
    "text, line, value, why",
    [
        ("", 1, "", "文件是空的"),
        (HEAD, 1, "", "没有人来过"),
        ("arrival,service\n1,2\n", 1, "arrival,service", "第 1 行应当是"),
        (HEAD + "1,2\n\n0,5\n", 4, "0", "比上一行到得早"),
        (HEAD + "1,2\n2,-5\n", 3, "-5", "不能是负数"),
        (HEAD + "abc,2\n", 2, "abc", "不是秒数"),
        (HEAD + "1,nan\n", 2, "nan", "不是秒数"),
        (HEAD + "1,1e5\n", 2, "1e5", "不是秒数"),
        (HEAD + "１,2\n", 2, "１", "不是秒数"),
        (HEAD + "1\n", 2, "1", "两个数"),
        (HEAD + "1,2,3\n", 2, "1,2,3", "两个数"),
        (HEAD + "1,99999999999\n", 2, "99999999999", "超过了"),
        (HEAD + "1," + "9" * 2000, 2, "1,9", "太长"),
        (b"\xff\xfe\x00\x01" * 9, 1, "", "UTF-8"),
        (HEAD.encode() + b"1,\x002\n", 2, "1,", "不是文字"),
    ],
    ids=["nothing", "nobody", "head", "order", "negative", "text", "nan", "exponent", "wide digits", "one column",
         "three columns", "big", "long line", "bytes", "nul"],
)  # fmt: skip
def test_a_bad_file_is_refused_with_line_value_and_reason(file, capsys, text, line, value, why):
    code, out, err = replay(capsys, file(text), "--servers", "4")
    assert code != 0 and out == "" and why in err and value in err
    assert f"第 {line} 行" in err
    assert "程序内部" not in err


def test_too_many_rows_are_refused_before_they_fill_the_memory(file, capsys, monkeypatch):
    from yimen.insight import replays

    monkeypatch.setattr(replays, "MOST_ROWS", 3)
    code, _out, err = replay(capsys, file(HEAD + "1,1\n" * 4), "--servers", "1")
    assert code != 0 and "第 5 行" in err and "超过了 3 行" in err


def test_arrivals_out_of_order_are_taken_only_when_asked_to_sort(file, capsys):
    shuffled = file(HEAD + "20,9\n0,100\n10,100\n")
    assert replay(capsys, shuffled, "--servers", "1")[0] != 0
    in_order = file(HEAD + "0,100\n10,100\n20,9\n", "sorted.csv")
    assert figures(capsys, shuffled, 1, "--sort") == figures(capsys, in_order, 1)


@pytest.mark.parametrize(
    "broken", [b"\x1f\x8b not gzip", gzip.compress(b"arrival_s")[:-9]], ids=["not gzip", "cut off"]
)
def test_a_broken_packed_file_is_refused(file, capsys, broken):
    code, _out, err = replay(capsys, file(broken, "day.csv.gz"), "--servers", "4")
    assert code != 0 and err and "程序内部" not in err


@pytest.mark.parametrize("servers", ["0", "-1", "x", "10001", "1.5"])
def test_a_number_of_windows_that_cannot_be_is_refused(file, capsys, servers):
    code, out, err = replay(capsys, file(HEAD + "1,1\n"), f"--servers={servers}")
    assert code == 2 and out == "" and servers in err


def test_a_file_that_is_not_there_is_named(tmp_path, capsys):
    code, _out, err = replay(capsys, tmp_path / "gone.csv", "--servers", "1")
    assert code == 1 and "gone.csv" in err
