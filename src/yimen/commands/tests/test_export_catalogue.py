import argparse
import json
import os
import zipfile

import pytest

from yimen.catalog.tests.factories import make_department, make_item
from yimen.commands import export_catalogue
from yimen.lib.errors import DomainError
from yimen.people.tests.factories import make_center

pytestmark = pytest.mark.django_db


def run(*arguments):
    parser = argparse.ArgumentParser()
    export_catalogue.add_arguments(parser)
    return export_catalogue.run(parser.parse_args([str(word) for word in arguments]))


@pytest.fixture
def department():
    return make_department(make_center().region, name="演示局")


@pytest.mark.parametrize("form", ["xlsx", "csv", "jsonl", "jsonld"])
def test_the_catalogue_is_written_whole_or_not_at_all(department, tmp_path, form):
    item = make_item(department=department, name="要导出的事项")
    path = tmp_path / f"out.{form}"
    assert run("--format", form, "-o", path) == 0
    content = path.read_bytes()
    if form == "xlsx":
        content = zipfile.ZipFile(path).read("xl/worksheets/sheet1.xml")
    assert item.name in content.decode()
    assert os.listdir(tmp_path) == [path.name]


def test_the_upload_says_what_is_missing_and_ends_with_1(department, tmp_path, capsys):
    make_item(department=department)
    assert run("--format", "upspec", "-o", tmp_path / "up.zip") == 1
    assert "没有填" in capsys.readouterr().err
    assert "up_task_general_basic.csv" in zipfile.ZipFile(tmp_path / "up.zip").namelist()
    assert run("--format", "upspec", "-o", tmp_path / "up.json") == 1
    assert json.loads((tmp_path / "up.json").read_text())["missing"]


def test_lines_go_to_the_terminal_and_only_of_the_department_asked_for(department, capsys):
    make_item(department=department, name="这一项")
    make_item(department=make_department(department.region, name="别的局"), name="那一项")
    assert run("--format", "jsonl", "--department", "演示局") == 0
    said = capsys.readouterr().out
    assert "这一项" in said and "那一项" not in said


@pytest.mark.parametrize(
    "words", [("--format", "xlsx"), ("--department", "没有", "--format", "csv"), ("--region", "1", "--format", "csv")]
)
def test_what_cannot_be_exported_is_one_sentence(department, words):
    with pytest.raises(DomainError) as refused:
        run(*words)
    assert "\n" not in str(refused.value)


def test_a_folder_that_is_not_there_is_named(department, tmp_path):
    with pytest.raises(DomainError, match="nowhere"):
        run("-o", tmp_path / "nowhere" / "out.xlsx")
