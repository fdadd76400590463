"""
Compile translations (.po to .mo) where msgfmt is not installed.

    python -m yimen.lib.messages [FOLDER]
"""

import ast
import struct
import sys
from pathlib import Path

LOCALE = Path(__file__).resolve().parents[1] / "locale"


class BadCatalogue(ValueError):
    """The .po file cannot be read; the text names the line."""


def parse(text: str) -> dict[str, str]:
    """
    Return the catalogue's texts by key; contexts and plurals joined as gettext's binary format wants them.

    Fuzzy and empty translations are left out. Raises BadCatalogue.
    """
    found: dict[str, str] = {}
    entry: dict[str, str] = {}
    fuzzy = False
    field = ""

    def finish() -> None:
        if "msgid" in entry and (not fuzzy or not entry["msgid"]):
            key = entry["msgid"] + ("\0" + entry["msgid_plural"] if "msgid_plural" in entry else "")
            key = entry["msgctxt"] + "\4" + key if "msgctxt" in entry else key
            forms = [entry[name] for name in sorted(entry) if name.startswith("msgstr")]
            if all(forms):
                found[key] = "\0".join(forms)
        entry.clear()

    for number, raw in enumerate([*text.splitlines(), ""], start=1):
        line = raw.strip()
        if line.startswith("#~"):
            continue
        if line.startswith("#") or not line:
            if any(name.startswith("msgstr") for name in entry):
                finish()
                fuzzy = False
            if line.startswith("#,"):
                fuzzy = "fuzzy" in line
            continue
        word, _, rest = line.partition(" ")
        if line.startswith('"'):
            rest = line
        else:
            if word in {"msgctxt", "msgid"} and any(name.startswith("msgstr") for name in entry):
                finish()
                fuzzy = False
            field = word
            entry[field] = ""
        try:
            entry[field] += ast.literal_eval(rest.strip())
        except (KeyError, SyntaxError, ValueError, TypeError):
            raise BadCatalogue(f"line {number} is not understood") from None
    finish()
    return found


def compiled(texts: dict[str, str]) -> bytes:
    """Return gettext's binary form of `texts`."""
    keys = sorted(texts, key=str.encode)
    ids = [key.encode() for key in keys]
    values = [texts[key].encode() for key in keys]
    start = 7 * 4 + 16 * len(keys)
    table, blob = [], b""
    for part in (*ids, *values):
        table.append((len(part), start + len(blob)))
        blob += part + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, len(keys), 7 * 4, 7 * 4 + 8 * len(keys), 0, 0)
    return head + b"".join(struct.pack("<2I", *pair) for pair in table) + blob


def refresh(folder: Path = LOCALE) -> int:
    """Compile every catalogue below `folder` that is newer than its binary form; returns how many."""
    done = 0
    for source in folder.glob("*/LC_MESSAGES/*.po"):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
            continue
        half = target.with_suffix(".mo.new")
        try:
            half.write_bytes(compiled(parse(source.read_text(encoding="utf-8"))))
        except PermissionError:  # installed for all by somebody else, who compiled it
            continue
        half.replace(target)
        done += 1
    return done


if __name__ == "__main__":
    refresh(Path(sys.argv[1]) if len(sys.argv) > 1 else LOCALE)
