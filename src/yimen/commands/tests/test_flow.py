"""yimen flow import, export and chart."""

import io
import json
from types import SimpleNamespace

import pytest

from yimen import cli
from yimen.catalog import bpmn
from yimen.catalog.models import ItemVersion
from yimen.catalog.tests.factories import make_draft, make_item
from yimen.catalog.tests.test_bpmn import document, flow
from yimen.commands import flow as command

TWO = (
    "<startEvent id='s'/><task id='a' name='受理'/><task id='b' name='决定'/>"
    + flow("f1", "s", "a")
    + flow("f2", "a", "b")
)
CIRCLE = "<task id='a' name='受理'/><task id='b' name='决定'/>" + flow("f1", "a", "b") + flow("f2", "b", "a")


@pytest.fixture
def file(tmp_path):
    def file(body):
        path = tmp_path / "演示.bpmn"
        path.write_bytes(document(body))
        return path

    return file


@pytest.fixture
def here(monkeypatch):
    """Commands work on the test's database."""
    from contextlib import nullcontext

    monkeypatch.setattr(cli, "database_for", lambda module, args: nullcontext())


def args(act, **values):
    defaults = {"format": "text", "item": "", "post": "", "authority": "", "days": None, "region": "", "output": None}
    defaults |= {"process": ""}
    return SimpleNamespace(act=act, **defaults | values)


def test_import_as_json_says_what_was_taken_and_what_not(file, capsys):
    assert command.run(args("import", file=file(TWO), format="json")) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["importable"] and said["root"] == "definitions" and said["refused"] == []
    assert said["taken"] == {"process": 1, "sequenceFlow": 2, "startEvent": 1, "task": 2}
    assert [(step["key"], step["kind"], step["after"]) for step in said["steps"]] == [
        ("a", "accept", []), ("b", "decide", ["a"]),
    ]  # fmt: skip
    assert command.run(args("import", file=file(CIRCLE), format="json")) == 0
    said = json.loads(capsys.readouterr().out)
    assert not said["importable"] and said["steps"] == [] and said["refused"][0]["kind"] == "sequenceFlow"


def test_import_in_words(file, capsys):
    command.run(args("import", file=file(CIRCLE)))
    out = capsys.readouterr().out
    assert "第 1 行 sequenceFlow" in out and "往回走" in out and "不能导入" in out


def test_of_several_processes_one_is_chosen(file, capsys):
    body = TWO + "</process><process id='other'><task id='c' name='另办'/>"
    path = file(body)
    command.run(args("import", file=path))
    assert "--process 选一个：p、other" in capsys.readouterr().out
    command.run(args("import", file=path, format="json", process="other"))
    said = json.loads(capsys.readouterr().out)
    assert [step["name"] for step in said["steps"]] == ["另办"] and not any(one["stops"] for one in said["refused"])
    with pytest.raises(bpmn.UnreadableFlow, match="没有流程“gone”，有的是：p、other"):
        command.run(args("import", file=path, process="gone"))


def test_a_file_that_is_none_ends_in_one_sentence(tmp_path, capsys):
    path = tmp_path / "x.bpmn"
    path.write_bytes(b"<a/>")
    assert cli.main(["flow", "import", str(path), "--format", "json"]) == 1
    answer = capsys.readouterr()
    assert "不是 BPMN 的" in answer.err and not answer.out
    assert cli.main(["flow", "import", str(tmp_path / "gone.bpmn")]) == 1
    assert "找不到文件" in capsys.readouterr().err


@pytest.mark.django_db
def test_import_into_an_item_writes_its_draft(file, here):
    version = make_draft()
    values = {"item": version.item.task_code, "post": "审查岗", "authority": "审查", "days": 2}
    assert command.run(args("import", file=file(TWO), **values)) == 0
    steps = ItemVersion.objects.get(pk=version.pk).steps.all()
    assert [(step.key, step.post, step.authority, step.limit_days) for step in steps] == [
        ("a", "审查岗", "审查", 2), ("b", "审查岗", "审查", 2),
    ]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(("body", "words"), [(CIRCLE, "没有写进草稿"), (TWO, "还没写岗位")], ids=["circle", "lacks"])
def test_import_into_an_item_is_all_or_nothing(file, here, body, words):
    version = make_draft()
    with pytest.raises(Exception, match=words):
        command.run(args("import", file=file(body), item=version.item.task_code))
    assert version.steps.count() == 5


@pytest.mark.django_db
def test_export_and_chart_write_files(tmp_path, here):
    item = make_item()
    command.run(args("export", code=item.task_code, output=tmp_path / "a.bpmn"))
    report = bpmn.read(io.BytesIO((tmp_path / "a.bpmn").read_bytes()), "a.bpmn")
    assert [each.step.key for each in report.steps] == ["receive", "accept", "review", "decide", "deliver"]
    command.run(args("chart", code=item.task_code, output=tmp_path / "a.svg"))
    assert (tmp_path / "a.svg").read_text().startswith("<svg")
    with pytest.raises(command.NoSuchItem):
        command.run(args("export", code="0"))
