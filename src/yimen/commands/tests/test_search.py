import argparse
import json

import pytest

from yimen.commands import import_catalogue, search
from yimen.commands.search import NothingAsked
from yimen.people.tests.factories import make_center, make_region

pytestmark = pytest.mark.django_db

LONG = "http://standaarden.example/terms/adoptie-aangifte"


def run(command, *arguments):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args([str(word) for word in arguments]))


@pytest.fixture
def imported(tmp_path, capsys):
    """A list from elsewhere in a region of its own, beside a centre whose items are another place's."""
    make_center(make_region("529901", "演示县"))
    make_region("990000", "别处（演示）")
    path = tmp_path / "list.csv"
    path.write_text(f"id,title\n{LONG},adoptie aangifte\nx-1,食品经营许可\n", encoding="utf-8")
    run(import_catalogue, path, "--region", "990000", "--map", "id=task_code", "--map", "title=name", "--quiet")
    capsys.readouterr()


def found(capsys, *arguments):
    assert run(search, *arguments, "--format", "json") == 0
    return [row["task_code"] for row in json.loads(capsys.readouterr().out)]


def test_codes_are_printed_as_their_list_writes_them(imported, capsys):
    assert found(capsys, "adoptie aangifte") == [LONG]
    assert found(capsys, "开饭馆") == ["x-1"]
    assert found(capsys, "qwxz") == []


@pytest.mark.parametrize("limit", [-1, 0, 41, 200])
def test_a_limit_that_cannot_be_kept_is_refused(limit):
    with pytest.raises(NothingAsked, match="--limit 要写 1 到 40"):
        run(search, "食品", "--limit", limit)


def test_one_region_or_all_of_them(imported, capsys):
    assert found(capsys, "食品经营许可", "--region", "990000") == ["x-1"]
    assert found(capsys, "食品经营许可", "--region", "529901") == []
    with pytest.raises(NothingAsked, match="没有代码是 123456 的区划"):
        run(search, "食品经营许可", "--region", "123456")


def test_many_queries_from_a_file_answer_line_by_line(imported, capsys, tmp_path):
    file = tmp_path / "queries.jsonl"
    file.write_text('{"qid": "a", "query": "开饭馆"}\nadoptie\n', encoding="utf-8")
    assert run(search, "--queries", file) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["query"] for line in lines] == ["开饭馆", "adoptie"] and lines[0]["qid"] == "a"
    assert [[row["task_code"] for row in line["results"]] for line in lines] == [["x-1"], [LONG]]
