"""Other systems' logs come in whole or not at all, and stay apart from our own figures."""

import gzip
import json
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from yimen.exchange import event_log
from yimen.exchange.event_log import AlreadyImported, import_log, summarize
from yimen.exchange.models import ImportedLog
from yimen.exchange.readers import UnreadableLog
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.people.access import NotAllowed
from yimen.people.tests.factories import NOW, make_staff, outsider
from yimen.testing import shared

LOGS = {
    "receipt.xes.gz": "receipt.xes.gz",
    "receipt.csv.gz": "receipt.xes.gz",
    "running-example.xes": "running-example.xes",
    "running-example.csv": "running-example.xes",
    "roadtraffic100traces.xes": "roadtraffic100traces.xes",
    "roadtraffic100traces.csv": "roadtraffic100traces.xes",
    "DomesticDeclarations.xes.gz": "DomesticDeclarations.xes.gz",
}


def write(tmp_path: Path, text: str, name: str = "log.xes") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode())
    return path


def xes(inside: str, head: str = "") -> str:
    return f'{head}<log xes.version="1.0">{inside}</log>'


def event(name: str = "收件", at: str = "2026-11-18T09:05:00+08:00", more: str = "") -> str:
    return (
        f'<event><string key="concept:name" value="{name}"/><date key="time:timestamp" value="{at}"/>'
        f'<string key="org:resource" value="一号"/>{more}</event>'
    )


def trace(*events: str, case: str = "A1") -> str:
    return f'<trace><string key="concept:name" value="{case}"/>{"".join(events)}</trace>'


@pytest.mark.django_db
def test_a_real_log_of_1434_permits_stands_in_the_ledger_as_imported_history():
    path = shared("data/eventlogs/receipt.xes.gz")
    wanted = json.loads(shared("data/eventlogs/reference.json").read_text())["receipt.xes.gz"]
    log, found = import_log(path, by=SYSTEM, at=NOW)

    rows = Event.objects.filter(region="imported", kind="log.event")
    assert (log.name, log.case_count, log.event_count, log.activity_count) == ("receipt", 1434, 8577, 27)
    assert (found.cases, found.events, found.activities, found.variants) == tuple(
        wanted[key] for key in ("cases", "events", "activities", "variants")
    )
    assert (log.first_at, log.last_at) == tuple(datetime.fromisoformat(wanted[key]) for key in ("first", "last"))
    assert rows.count() == wanted["events"]
    assert rows.values("stream").distinct().count() == wanted["cases"]
    assert rows.values("data__activity").distinct().count() == wanted["activities"]
    assert rows.values("data__resource").exclude(data__resource="").distinct().count() == wanted["resources"]
    assert {row.actor for row in rows[:5]} == {"imported"}
    tops = Counter(rows.values_list("data__activity", flat=True))
    assert {key: tops[key] for key in wanted["top_activities"]} == wanted["top_activities"]
    first = rows.get(stream="log:receipt:case-10011", seq=1)
    assert first.data["case_attributes"]["channel"] == "Internet"
    assert first.at == datetime.fromisoformat("2011-10-11T13:45:40.276+02:00")
    assert "case_attributes" not in rows.get(stream="log:receipt:case-10011", seq=2).data


@pytest.mark.parametrize("name, reference", LOGS.items())
def test_each_sample_log_has_the_counts_of_its_reference(name, reference):
    path, wanted = (
        shared(f"data/eventlogs/{name}"),
        json.loads(shared("data/eventlogs/reference.json").read_text())[reference],
    )
    found = summarize(path)
    assert (found.cases, found.events, found.activities, found.variants) == tuple(
        wanted[key] for key in ("cases", "events", "activities", "variants")
    )
    assert (found.first_at, found.last_at) == tuple(datetime.fromisoformat(wanted[key]) for key in ("first", "last"))


@pytest.mark.slow
@pytest.mark.django_db
def test_the_largest_sample_log_comes_in_whole():
    log, _found = import_log(shared("data/eventlogs/DomesticDeclarations.xes.gz"), by=SYSTEM, at=NOW)
    assert log.event_count == Event.objects.filter(kind="log.event").count() == 55_628


def test_each_of_the_36_odd_files_is_taken_or_refused_with_a_sentence():
    paths = sorted(shared("data/eventlogs/xes_importer_cases").iterdir())
    said = {}
    for path in paths:
        try:
            summarize(path)
        except UnreadableLog as error:
            said[path.stem] = str(error)
    assert len(paths) == 36
    assert all(sentence.endswith("。") for sentence in said.values())
    for name, part in {
        "attributeEventSwapped": "第 3 行的事件|第 3 行：这条事件不在任何 <trace> 里",
        "booleanIncorrectValue": "第 13 行：“expression”写成了 float",
        "classifierNoAttributes": "第 8 行：<classifier> 少了 name、keys",
        "eventIncorrectType": "没有编号（concept:name）",
        "extensionAttributeSwapped": "第 3 行：<extension> 写得太靠后",
        "extensionNoAttributes": "第 2 行：<extension> 少了 name、prefix、uri",
        "extensionTraceSwapped": "第 2 行：这个 <trace> 里没有事件",
        "globalNoAttributes": "第 3 行：<global> 少了 scope",
        "idIncorrectValue": "第 13 行：“id”写成了 id，可“No ID”不是",
        "intIncorrectValue": "第 13 行：“number”写成了 int",
        "logCorrectAttributes": "一条事件也没有",
        "stringNoAttributes": "第 9 行：<string> 少了 key 或 value",
        "traceEventSwapped": "第 2 行：这条事件不在任何 <trace> 里",
    }.items():
        assert any(each in said[name] for each in part.split("|")), (name, said[name])


@pytest.mark.django_db
def test_the_same_log_again_says_so_and_changes_nothing(tmp_path):
    path = write(tmp_path, xes(trace(event())))
    import_log(path, by=SYSTEM, at=NOW)
    packed = tmp_path / "packed.xes.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    before = Event.objects.count()
    for again in (path, packed):
        with pytest.raises(AlreadyImported, match="名字是“log”，有 1 件、1 条事件"):
            import_log(again, by=SYSTEM, at=NOW, name="another")
    with pytest.raises(AlreadyImported, match="--name"):
        import_log(write(tmp_path, xes(trace(event("受理")))), by=SYSTEM, at=NOW)
    assert (ImportedLog.objects.count(), Event.objects.count()) == (1, before)


@pytest.mark.django_db
@pytest.mark.parametrize("role, allowed", [("editor", True), ("clerk", False)])
def test_only_who_may_import_does(tmp_path, role, allowed):
    path = write(tmp_path, xes(trace(event())))
    staff = make_staff(role, for_region=True) if allowed else outsider()
    if allowed:
        import_log(path, by=staff, at=NOW)
        told = Event.objects.get(kind="log.imported")
        assert (told.actor, told.data["events"]) == (staff.ledger_ref, 1)
    else:
        with pytest.raises(NotAllowed):
            import_log(path, by=staff, at=NOW)
        assert not ImportedLog.objects.exists()


BOMB = '<!DOCTYPE log [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE log SYSTEM "file:///etc/passwd">'
BAD = {
    "entity bomb": (xes(trace(event("&b;")), BOMB), "DOCTYPE"),
    "outside entity": (xes(trace(event()), OUTSIDE), "DOCTYPE"),
    "undeclared entity": (xes(trace(event("&nbsp;"))), "第 1 行不是合格的 XML"),
    "cut off": (xes(trace(event()))[:-10], "不是合格的 XML"),
    "not a log": ("<html></html>", "最外层应当是 <log>"),
    "empty": ("", "文件是空的"),
    "no event": (xes(""), "一条事件也没有"),
    "bad time": (xes(trace(event(at="昨天"))), "的时间“昨天”认不出来"),
    "no time": (xes(trace('<event><string key="concept:name" value="x"/></event>')), "没有时间"),
    "year 9999": (xes(trace(event(at="9999-12-31T23:59:59Z"))), "不像真的"),
    "year 1": (xes(trace(event(at="0001-01-01T00:00:00+14:00"))), "不像真的"),
    "no activity": (xes(trace(event(name=" "))), "没有名称"),
    "no case": (xes(f"<trace>{event()}</trace>"), "没有编号"),
    "case twice": (xes(trace(event()) + trace(event())), "出现了两次"),
    "long case": (xes(trace(event(), case="长" * 101)), "超过 100 个字"),
    "deep": (xes("<list key='a'>" * 60 + "</list>" * 60 + trace(event())), "套了超过"),
    "long value": (xes(trace(event("x" * 10_001))), "超过 10000 个字"),
    "wide": (xes(trace(event(more="".join(f'<int key="k{n}" value="1"/>' for n in range(301))))), "超过 300 个"),
    "unknown encoding": ('<?xml version="1.0" encoding="x-unknown"?>' + xes(trace(event())), "第 1 行|编码"),
    "event in event": (xes(trace(event(more=event()))), "只能放在 <trace> 里"),
}  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("text, part", BAD.values(), ids=BAD)
def test_a_bad_file_is_one_sentence_and_leaves_nothing(tmp_path, text, part):
    good = trace(event(), case="good")
    path = write(tmp_path, text.replace("<trace>", good + "<trace>", 1) if "<trace>" in text else text)
    with pytest.raises(UnreadableLog) as told:
        import_log(path, by=SYSTEM, at=NOW)
    assert any(each in str(told.value) for each in part.split("|")), str(told.value)
    assert not Event.objects.filter(region="imported").exists()
    assert not ImportedLog.objects.exists()


def test_a_packed_bomb_is_refused_before_it_fills_the_memory(tmp_path):
    path = tmp_path / "bomb.xes.gz"
    path.write_bytes(gzip.compress(b"<log>" + b" " * 30_000_000))
    with pytest.raises(UnreadableLog, match="超过 5 MB"):
        summarize(path, max_bytes=5_000_000)


@pytest.mark.parametrize("cut", [3, 12, 40])
def test_a_damaged_packed_file_is_refused(tmp_path, cut):
    path = tmp_path / "log.xes.gz"
    path.write_bytes(gzip.compress(xes(trace(event())).encode())[:-cut])
    with pytest.raises(UnreadableLog, match="不完整或已损坏"):
        summarize(path)


HEAD = "case:concept:name,concept:name,time:timestamp,org:resource\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_table_from_a_chinese_office_is_read_whatever_its_encoding(tmp_path, encoding):
    path = tmp_path / "log.csv"
    rows = [
        "办件编号;环节;时间;办理人;备注",
        "一;受理;2026-11-18 10:00:00+08:00;甲;",
        "一;收件;2026-11-18 09:00:00;乙;“急”",
        "二;收件;2026-11-19 09:00:00+08:00;甲;",
    ]
    path.write_bytes("\r\n".join(rows).encode(encoding))
    found = summarize(path)
    assert (found.cases, found.events, found.activities, found.variants) == (2, 3, 2, 2)
    assert found.first_at == datetime.fromisoformat("2026-11-18T09:00:00+08:00")
    assert "按北京时间算" in found.oddities[0]


@pytest.mark.parametrize(
    "text, part",
    [
        ("", "文件是空的"),
        ("a,b\n1,2\n", "表头里找不到办件编号（case:concept:name）、环节名称（concept:name）、时间"),
        (HEAD, "一条事件也没有"),
        (HEAD + "1,收件\n", "第 1 条记录有 2 列，表头有 4 列"),
        (HEAD + ",收件,2026-01-01T00:00:00Z,\n", "第 1 条记录没有办件编号"),
        (HEAD + "1,收件,2026/1/1,\n", "第 1 条记录的时间“2026/1/1”认不出来"),
        (HEAD + '1,"收件,2026-01-01T00:00:00Z,\n', "表格格式不对"),
        (HEAD + "1,收\0件,2026-01-01T00:00:00Z,\n", "空字符"),
    ],
)
def test_a_bad_table_is_one_sentence(tmp_path, text, part):
    with pytest.raises(UnreadableLog) as told:
        summarize(write(tmp_path, text, "log.csv"))
    assert part in str(told.value)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(UnreadableLog, match="只认识"):
        summarize(write(tmp_path, "x", "log.zip"))
    with pytest.raises(UnreadableLog, match="打不开"):
        summarize(tmp_path / "missing.xes")


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["a:b", "长" * 51, "a\nb"])
def test_a_name_that_would_break_the_stream_is_refused(tmp_path, name):
    with pytest.raises(UnreadableLog, match="日志的名字"):
        import_log(write(tmp_path, xes(trace(event()))), by=SYSTEM, at=NOW, name=name)


def test_the_progress_of_both_passes_is_told(tmp_path):
    told: list[int] = []
    path = write(tmp_path, xes(trace(*[event() for _n in range(2000)])))
    summarize(path, progress=told.append)
    assert told == sorted(told) and told[-1] == path.stat().st_size
    assert event_log.name_of(Path("a.b.xes.gz")) == "a"
