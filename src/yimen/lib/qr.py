"""QR codes as SVG, drawn with attributes only: the page's policy forbids inline styles."""

from html import escape

import segno


def svg(text: str, *, label: str = "") -> str:
    """
    Return an <svg class="qr"> element for a page, 4 modules of quiet zone included.

    label: what the code leads to, for screen readers; without it the code is hidden from them, so say it beside it.
    """
    side, path = _drawn(text)
    name = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
    title = f"<title>{escape(label)}</title>" if label else ""
    return (
        f'<svg class="qr" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" {name}>{title}'
        f'<path class="qr-ground" fill="#fff" d="M0 0h{side}v{side}H0z"/>'
        f'<path class="qr-dark" stroke="#000" d="{path}"/></svg>'
    )


def _drawn(text: str) -> tuple[int, str]:
    """Return the side in modules and a path whose 1-wide strokes are the dark runs of each row."""
    code = segno.make_qr(text, error="m")
    rows = [bytes(row) for row in code.matrix_iter(border=4)]
    runs = []
    for y, row in enumerate(rows):
        x = 0
        while x < len(row):
            length = 0
            while x + length < len(row) and row[x + length]:
                length += 1
            if length:
                runs.append(f"M{x} {y}.5h{length}")
            x += length or 1
    return len(rows), "".join(runs)
