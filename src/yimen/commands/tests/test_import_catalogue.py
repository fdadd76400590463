import argparse

import pytest

from yimen.catalog.importers import Unreadable
from yimen.catalog.models import ServiceItem
from yimen.catalog.tests.guides import guide, write
from yimen.commands import import_catalogue
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
