import re
from pathlib import Path

from yimen.testing import ROOT

NAMES = re.compile(r"""(?:\benv(?:_int|_bool)?\(|environ(?:\.get)?[\[(])\s*"([A-Z][A-Z0-9_]+)\"""")
NOT_OURS = {"CI", "LANG", "LC_ALL", "LC_MESSAGES", "DJANGO_SETTINGS_MODULE", "YIMEN_SHARED", "SOURCE_DATE_EPOCH"}
NOT_OURS |= {"ESCPOS_CAPABILITIES_FILE"}  # set for a library, never read


def test_every_setting_is_documented_and_every_documented_one_exists():
    sources = [path for path in (ROOT / "src").rglob("*.py") if "tests" not in path.parts]
    read = {name for path in sources for name in NAMES.findall(path.read_text())} - NOT_OURS
    documented = set(re.findall(r"^\| `([A-Z0-9_]+)` \|", Path(ROOT / "docs/settings.md").read_text(), re.MULTILINE))
    assert read - documented == set()
    assert documented - read - {"DATABASE_ADMIN_URL"} == set()  # only conftest.py reads that one
