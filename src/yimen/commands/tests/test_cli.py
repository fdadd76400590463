"""What a person can do wrong ends as one sentence, never as a trace."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError

from yimen import cli
from yimen.lib.errors import DomainError

ROOT = Path(__file__).resolve().parents[4]


def yimen(*arguments, home, **settings):
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("DATABASE", "YIMEN", "LC_", "LANG"))
    }
    environment |= {"YIMEN_HOME": str(home), "PYTHONPATH": str(ROOT / "src"), "PYTHONWARNINGS": "error"} | settings
    return subprocess.run(
        [sys.executable, "-m", "yimen.cli", *arguments], env=environment, cwd=home, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("arguments", "settings", "code", "word"),
    [
        ((), {}, 2, "命令"),
        (("nonsense",), {}, 2, "nonsense"),
        (("serve", "--port", "ten"), {}, 2, "ten"),
        (("serve", "--portt", "1"), {}, 2, "--portt"),
        (("migrate",), {"DATABASE_URL": "mysql://a:hidden@b/c"}, 1, "postgresql://"),
        (("migrate",), {"DATABASE_URL": "postgresql://a:hidden@127.0.0.1:1/c"}, 1, "连不上数据库"),
        (("serve",), {"YIMEN_WEB_PROCESSES": "many"}, 1, "YIMEN_WEB_PROCESSES"),
        (("migrate",), {"YIMEN_PG_BIN": "/nowhere"}, 1, "/nowhere"),
        (("demo", "--reset"), {"DATABASE_URL": "postgresql://a:hidden@127.0.0.1:1/c"}, 1, "DATABASE_URL"),
    ],
)
def test_a_mistake_is_one_sentence_and_a_code(tmp_path, arguments, settings, code, word):
    done = yimen(*arguments, home=tmp_path, **settings)
    assert (done.returncode, done.stdout) == (code, "")
    assert word in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr and "hidden" not in done.stderr


def test_help_lists_every_command(tmp_path):
    done = yimen("--help", home=tmp_path)
    assert done.returncode == 0
    for name in cli.command_names():
        assert f"\n    {name} " in done.stdout or f"\n    {name}\n" in done.stdout


@pytest.mark.parametrize("name", cli.command_names())
def test_every_command_offers_what_the_command_line_needs(name):
    module = cli.load(name)
    assert str(module.HELP) and isinstance(module.NEEDS_DATABASE, bool)
    assert callable(module.add_arguments) and callable(module.run)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (DomainError("这件事不行。"), "这件事不行。"),
        (ImproperlyConfigured("SETTING is bad."), "SETTING is bad."),
        (FileNotFoundError(2, "No such file", "/a/b.csv"), "/a/b.csv"),
        (PermissionError(13, "Permission denied", "/a/b.csv"), "/a/b.csv"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (OperationalError("server closed the connection\nmore"), "server closed the connection"),
        (psycopg.OperationalError("connection failed: refused"), "refused"),
    ],
)
def test_errors_become_sentences(error, said):
    assert said in cli.sentence(error)
    assert "\n" not in cli.sentence(error)


def test_a_fault_of_ours_names_the_place_but_not_the_values():
    try:
        raise KeyError("110101199001011237")
    except KeyError as error:
        said = cli.sentence(error)
    assert "KeyError" in said and "test_cli.py" in said and "110101" not in said


@pytest.mark.parametrize(
    ("lang", "language"),
    [
        ("", "zh-hans"),
        ("C.UTF-8", "zh-hans"),
        ("en_US.UTF-8", "en"),
        ("zh_TW.UTF-8", "zh-hant"),
        ("zh_CN.UTF-8", "zh-hans"),
    ],
)
def test_the_terminal_says_which_language(monkeypatch, lang, language):
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", lang)
    assert cli.language() == language


@pytest.mark.slow
def test_a_command_brings_its_own_database_up_to_date(open_folder):
    home = open_folder()
    first, second = (yimen("migrate", home=home) for _ in range(2))
    assert (first.returncode, second.returncode, second.stderr) == (0, 0, "")
    assert yimen("migrate", "--check", home=home).returncode == 0
    for key in (home / "keys").iterdir():
        assert stat.S_IMODE(key.stat().st_mode) == 0o600

    done = yimen("doctor", home=home)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("OK\t") >= 8
    (home / "keys" / "fields.key").chmod(0o644)
    done = yimen("doctor", home=home)
    assert done.returncode == 1
    assert "坏\t" in done.stdout and "fields.key" in done.stdout
