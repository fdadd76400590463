import argparse
import json

import pytest

from yimen.catalog.importers import Unreadable
from yimen.catalog.models import ServiceItem
from yimen.catalog.tests.guides import guide, write
from yimen.commands import import_catalogue
from yimen.lib.errors import DomainError
from yimen.people.tests.factories import make_center, make_region

pytestmark = pytest.mark.django_db


def run(*arguments):
    parser = argparse.ArgumentParser()
    import_catalogue.add_arguments(parser)
    return import_catalogue.run(parser.parse_args([str(word) for word in arguments]))


def test_the_command_says_row_by_row_what_it_left_out_and_then_the_sum(tmp_path, capsys):
    path = write(tmp_path / "list.jsonl", guide(1), guide(2, handle_time_limit="5"))
    assert run(path) == 0
    said = capsys.readouterr()
    assert f"第 2 行 {guide(2)['TASK_CODE']}：handle_time_limit “5”" in said.out
    assert "共 2 行：新收 2 项，更新 0 项，没有变化 0 项，没有收 0 行；材料 4 样" in said.out
    assert said.err == ""  # no bar where nobody watches

    assert run(path, "--quiet") == 0
    assert capsys.readouterr().out.startswith("共 2 行：新收 0 项，更新 0 项，没有变化 2 项")


def test_a_refused_row_makes_the_exit_code_1_and_keeps_the_others(tmp_path, capsys):
    path = write(tmp_path / "list.jsonl", guide(1), "{")
    assert run(path) == 1
    assert "第 2 行 -：整行没有收。这一行不是完整的 JSON。" in capsys.readouterr().out


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(Unreadable, match="找不到文件"):
        run(tmp_path / "missing.jsonl")


def test_guides_go_where_the_centre_is_so_that_its_portal_finds_them(tmp_path):
    center = make_center(make_region("529901", "演示县"))
    run(write(tmp_path / "list.jsonl", guide(1)), "--quiet")
    assert ServiceItem.objects.get(task_code=guide(1)["TASK_CODE"]).region_id == center.region_id


# Any list


@pytest.fixture
def listed(tmp_path):
    make_region("990000", "演示省")

    def make(*lines, name="list.csv"):
        path = tmp_path / name
        path.write_text("\n".join(("编号,名称,承诺时限", *lines)) + "\n", encoding="utf-8")
        return path

    return make


def test_a_list_is_previewed_then_taken_then_known(listed, capsys):
    path = listed("A-1,甲事,5天", "A-2,乙事,")
    words = ("--map", "编号=task_code", "名称=name", "--department", "演示局")
    assert run(path, *words, "--preview") == 0
    said = capsys.readouterr().out
    assert "[新] A-1 甲事" in said and "什么也没有写" in said and not ServiceItem.objects.exists()
    assert run(path, *words) == 0
    assert "新收 2 项" in capsys.readouterr().out
    assert run(path, *words, "--format", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["rows"], told["new"], told["unchanged"], told["written"], told["errors"]) == (2, 0, 2, True, [])
    assert told["columns"] == {"编号": "task_code", "名称": "name", "承诺时限": "promised_limit"}


def test_one_bad_row_is_exit_1_and_nothing_unless_it_is_skipped(listed, capsys):
    path = listed("A-1,甲事,5天", "A-2,乙事,很快")
    words = ("--map", "编号=task_code")
    assert run(path, *words) == 1
    said = capsys.readouterr().out
    assert "第 3 行 A-2：“承诺时限”是“很快”" in said and "--skip-bad" in said
    assert not ServiceItem.objects.exists()
    assert run(path, *words, "--skip-bad") == 1
    assert [item.name for item in ServiceItem.objects.all()] == ["甲事"]


@pytest.mark.parametrize("word", ["名称", "=name", "名称="])
def test_a_mapping_that_cannot_be_read_says_how_to_write_it(listed, word):
    with pytest.raises(DomainError, match="列名=栏目"):
        run(listed("A-1,甲事,"), "--map", word, "x=-")


def test_the_file_may_stand_behind_the_columns(listed):
    path = listed("A-1,甲事,")
    assert run("--map", "编号=task_code", path) == 0
    with pytest.raises(DomainError, match="清单文件"):
        run("--map", "编号=task_code")


def test_a_guangdong_list_can_be_previewed_and_told_as_json(tmp_path, capsys):
    path = write(tmp_path / "list.jsonl", guide(1), guide(2))
    assert run(path, "--preview", "--format", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["new"], told["written"], told["preview"]) == (2, False, True)
    assert not ServiceItem.objects.exists()
