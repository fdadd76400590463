import gettext
import io

import pytest

from yimen.lib import messages

CATALOGUE = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=2; plural=n != 1;\\n"

#: a.py:1
msgid "一门"
msgstr "Yimen"

msgctxt "verb"
msgid "受理"
msgstr "accept"

msgid "%(n)s 件"
msgid_plural "%(n)s 件"
msgstr[0] "%(n)s case"
msgstr[1] "%(n)s cases"

#, fuzzy
msgid "猜的"
msgstr "guessed"

msgid "未译"
msgstr ""

msgid ""
"分"
"行"
msgstr "two \\"lines\\"\\n"

#~ msgid "旧"
#~ msgstr "old"
"""


def test_a_compiled_catalogue_reads_like_msgfmts():
    texts = gettext.GNUTranslations(io.BytesIO(messages.compiled(messages.parse(CATALOGUE))))
    assert texts.gettext("一门") == "Yimen"
    assert texts.pgettext("verb", "受理") == "accept"
    assert texts.ngettext("%(n)s 件", "%(n)s 件", 1) == "%(n)s case"
    assert texts.ngettext("%(n)s 件", "%(n)s 件", 2) == "%(n)s cases"
    assert texts.gettext("分行") == 'two "lines"\n'
    for left_out in ("猜的", "未译", "旧"):
        assert texts.gettext(left_out) == left_out


def test_a_broken_line_is_named():
    with pytest.raises(messages.BadCatalogue, match="line 2"):
        messages.parse('msgid "a"\nmsgstr "b\n')


def test_only_changed_catalogues_are_compiled(tmp_path):
    folder = tmp_path / "en" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.po").write_text(CATALOGUE)
    assert [messages.refresh(tmp_path), messages.refresh(tmp_path)] == [1, 0]
