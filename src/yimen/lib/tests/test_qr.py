import re
import xml.etree.ElementTree as ElementTree

import pytest
import segno

from yimen.lib import qr

SVG = "{http://www.w3.org/2000/svg}"


def drawn(svg):
    """The dark modules an <svg> shows, read back from its path."""
    path = ElementTree.fromstring(svg).find(f"{SVG}path[@class='qr-dark']").get("d")
    runs = [tuple(map(int, run)) for run in re.findall(r"M(\d+) (\d+)\.5h(\d+)", path)]
    return {(x + n, y) for x, y, length in runs for n in range(length)}


@pytest.mark.parametrize("text", ["7K3M9QX2", "https://yimen.example/v/7K3M9QX2", "核验 " * 40])
def test_every_module_is_drawn_once(text):
    rows = list(segno.make_qr(text, error="m").matrix_iter(border=4))
    assert drawn(qr.svg(text)) == {(x, y) for y, row in enumerate(rows) for x, dark in enumerate(row) if dark}


def test_a_code_carries_no_style_and_says_where_it_leads():
    svg = qr.svg("https://yimen.example/", label='看 "办件" <进度>')
    root = ElementTree.fromstring(svg)
    assert "style" not in svg
    assert root.get("role") == "img"
    assert root.get("aria-label") == root.findtext(f"{SVG}title") == '看 "办件" <进度>'
    assert ElementTree.fromstring(qr.svg("x")).get("aria-hidden") == "true"
