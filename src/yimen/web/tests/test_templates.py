"""The policy forbids inline script and style, so no template may hold any."""

import re
from pathlib import Path

import pytest
from django.template.loader import get_template

WEB = Path(__file__).resolve().parents[1]
TEMPLATES = sorted((WEB / "templates").rglob("*.html"))
STYLES = WEB / "static" / "yimen"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(WEB / "templates")))
def test_templates_parse_and_hold_no_inline_style_or_script(path: Path):
    text = path.read_text()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    for opening, inside in re.findall(r"<script([^>]*)>(.*?)</script>", text, re.S):
        assert "src=" in opening and not inside.strip()
    get_template(str(path.relative_to(WEB / "templates")))


def test_nothing_is_fetched_from_elsewhere():
    for path in [*TEMPLATES, *STYLES.rglob("*.css"), *STYLES.rglob("*.js")]:
        assert not re.search(r"(src|href|url\(|@import)[^\n]{0,4}https?://", path.read_text()), path


def test_dark_on_the_device_is_the_same_dark():
    css = (STYLES / "tokens.css").read_text()
    chosen = re.search(r'\n\[data-theme="dark"\] \{(.*?)\n\}', css, re.S)
    device = re.search(r'\[data-theme="auto"\] \{\s*color-scheme: dark(.*?)\n  \}', css, re.S)
    assert chosen and device
    assert (
        chosen[1].split() == ["color-scheme:", "dark", *device[1].split()]
        or chosen[1].split() == ("color-scheme: dark" + device[1]).split()
    )


def test_no_page_shows_an_agents_whole_name():
    """SEC-19: only the masked name is for pages."""
    shown = [path for path in TEMPLATES if "{{ case.agent_name" in path.read_text()]
    assert shown == []
