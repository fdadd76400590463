"""Every text in three languages: complete catalogs, and pages that keep to one language."""

import ast
import gettext
import html
import io
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.translation import override

from yimen.cases import actions as cases
from yimen.cases.models import Notice, Task
from yimen.cases.tests.factories import make_case, make_version
from yimen.catalog.models import FlowStep, ItemMaterial, ItemVersion
from yimen.hall.models import Hall, Series, Window
from yimen.hall.tests.factories import call, make_hall, make_series, make_window, serve, take
from yimen.lib import messages
from yimen.lib.dates import month_name, short_day
from yimen.people.models import Department, Role, ServiceCenter
from yimen.people.tests.factories import make_center, make_department, make_staff
from yimen.ratings import actions as ratings

PACKAGE = messages.LOCALE.parent
CATALOGS = {"en": "en", "zh-hant": "zh_Hant"}
HAN = re.compile(r"[\u3400-\u9fff]")

# Calls of gettext by the place of their texts.
_ONE, _TWO = ("_", "gettext", "gettext_lazy", "gettext_noop"), ("ngettext", "ngettext_lazy")
_CONTEXT = ("pgettext", "pgettext_lazy")


def _from_code(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        if name in _ONE and texts:
            yield texts[0]
        elif name in _TWO and len(texts) > 1:
            yield f"{texts[0]}\0{texts[1]}"
        elif name in _CONTEXT and len(texts) > 1:
            yield f"{texts[0]}\4{texts[1]}"


def _named(text: str) -> str:
    return re.sub(r"{{ (\w+) }}", r"%(\1)s", text.replace("%", "%%"))


def _from_template(path: Path) -> Iterator[str]:
    text = path.read_text()
    for context, block in re.findall(
        r'{% blocktranslate(?:(?! %}).)*?(?: context "([^"]+)")?[^%]*%}(.*?){% endblocktranslate %}', text, re.S
    ):
        key = "\0".join(_named(part) for part in re.split(r"{% plural %}", block))
        yield f"{context}\4{key}" if context else key
    for _quote, said, context in re.findall(r"""{% translate (["'])(.+?)\1(?: context ["']([^"']+)["'])?""", text):
        said = said.replace("%", "%%")
        yield f"{context}\4{said}" if context else said


@pytest.fixture(scope="module")
def used() -> dict[str, Path]:
    """Every text of code and templates, as a key of the catalogs, and a place it is used."""
    found: dict[str, Path] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if "tests" not in path.parts:
            found |= dict.fromkeys(_from_code(path), path)
    for path in sorted(PACKAGE.rglob("*.html")):
        found |= dict.fromkeys(_from_template(path), path)
    return found


def catalog(name: str) -> dict[str, str]:
    return messages.parse((messages.LOCALE / name / "LC_MESSAGES" / "django.po").read_text(encoding="utf-8"))


def said(key: str) -> list[str]:
    """The source texts of a key: one, or singular and plural."""
    return key.rpartition("\4")[2].split("\0")


def placeholders(text: str) -> list[str]:
    return sorted(set(re.findall(r"%\(\w+\)[.\d]*[a-z]|%%|%[srd]|{\w+}|</?\w[^>]*>", text)))


@pytest.mark.parametrize("name", CATALOGS.values())
def test_every_text_is_translated(used, name):
    known = catalog(name)
    missing = {
        f"{path.relative_to(PACKAGE)}: {key}" for key, path in used.items() if HAN.search(key) and key not in known
    }
    assert len(used) > 1300 and not missing, "run make messages, then translate: " + "\n".join(sorted(missing))
    assert "fuzzy" not in (messages.LOCALE / name / "LC_MESSAGES" / "django.po").read_text()


@pytest.mark.parametrize("name", CATALOGS.values())
def test_placeholders_tags_and_line_ends_stay(name):
    for key, text in catalog(name).items():
        if not key:
            continue
        for translated in text.split("\0"):
            source = said(key)[-1]
            assert placeholders(translated) == placeholders(source), key
            assert translated.endswith("\n") == source.endswith("\n"), key


@pytest.mark.parametrize("name, forms", [("en", 2), ("zh_Hant", 1)])
def test_plural_forms(name, forms):
    read = gettext.GNUTranslations(io.BytesIO(messages.compiled(catalog(name))))  # type: ignore[arg-type]
    assert f"nplurals={forms};" in read.info()["plural-forms"]
    for key, text in catalog(name).items():
        if "\0" in key:
            assert len(text.split("\0")) == forms, key


def test_english_is_english_but_for_what_is_typed_in_chinese():
    chinese = {text for key, text in catalog("en").items() if HAN.search(text)}
    # Searches, the calendar's lines, headings and values of tables are typed in Chinese.
    typed = re.compile(
        "小饭馆|开饭店|开个小饭馆|开饭馆|怎么办|春节|换服务器之后|营业执照|开店办企业|（演示）"
        "|必要|取消|工作日|编码|没有|是 [(]yes[)]"
    )
    assert all(typed.search(text) for text in chinese), chinese


@pytest.mark.parametrize(
    "language, short, full, month",
    [
        ("zh-hans", "11 月 26 日", "2026 年 11 月 26 日（周四）", "2026 年 11 月"),
        ("zh-hant", "11 月 26 日", "2026 年 11 月 26 日（週四）", "2026 年 11 月"),
        ("en", "26 Nov", "Thu 26 Nov 2026", "Nov 2026"),
    ],
)
def test_dates_in_each_language(language, short, full, month):
    day = date(2026, 11, 26)
    with override(language):
        assert short_day(day) == short
        assert short_day(day, year=True, weekday=True) == full
        assert month_name(11, 2026) == month


# Pages


@pytest.fixture
def pages(client: Client, db) -> list[str]:
    """Addresses of what citizens see, with something on every page; the client has opened its case."""
    now = timezone.now()
    center = make_center()
    version = make_version(department=make_department(center.region), themes=["准营准办"], visit_count=1)
    hall = make_hall(center.region, center=center)
    series = make_series(hall)
    window = make_window(series)
    take(series, at=now)
    invitation = ratings.invite_for_visit(serve(window, at=now), at=now)
    called = (take(series, at=now), take(series, at=now), call(window, at=now))[2]
    made = make_case(version=version, at=now)
    clerk = make_staff(Role.CLERK, department=version.item.department, for_region=True)
    case = cases.accept(made.pk, by=clerk, at=now)
    client.post("/progress", {"number": case.query_no, "last_four": case.applicant.masked_phone[-4:]})
    assert called
    return [
        "/", "/search", f"/search?q={version.name}", "/search?q=zzz",
        "/themes/firm", "/departments", f"/items/{version.item_id}",
        "/progress", f"/cases/{case.query_no}", "/verify", "/verify/NONE0000NONE", "/queues", "/unresolved", "/ratings",
        f"/r/{invitation.token}", f"/t/{called.pk}", "/nothing-here", "/accounts/login/",
        "/kiosk/", f"/kiosk/{hall.code}/", f"/kiosk/{hall.code}/take/", f"/kiosk/{hall.code}/take/{series.pk}/",
        f"/kiosk/{hall.code}/tickets/{called.pk}/", f"/screen/{hall.code}/",
    ]  # fmt: skip


def _data() -> list[str]:
    """What the rows themselves say; nobody translates that."""
    columns = (
        (ServiceCenter, ("name", "motto", "address", "hours")), (Department, ("name",)), (Hall, ("name",)),
        (Series, ("name", "zone__name")), (Window, ("name",)), (ItemMaterial, ("name", "legal_basis", "note")),
        (FlowStep, ("name", "post", "authority")), (Task, ("name", "post")), (Notice, ("number",)),
        (ItemVersion, ("name", "legal_basis", "result_name", "accept_condition", "procedure", "place", "hours",
                       "plain_text", "complaint_way")),
    )  # fmt: skip
    values = {value for model, names in columns for row in model._default_manager.values_list(*names) for value in row}
    return sorted((str(value) for value in values if value), key=len, reverse=True)


def texts_of(page: str) -> list[str]:
    """What a person reads or hears on a page, without rows' own words, tiles of one character and language names."""
    page = re.sub(r'<a class="jargon"[^>]*>([^<]*)</a>', r"\1", page)
    for own in _data():
        page = page.replace(html.escape(own), "·")
    # A chart breaks rows' own words into lines; the words explained are the guide's own.
    page = re.sub(r'<svg class="flow.*?</svg>|<dl class="word-list">.*?</dl>', "", page, flags=re.S)
    page = re.sub(
        r'<span class="zi[^"]*" aria-hidden="true">.</span>|<button[^>]* lang="[^"]*"[^>]*>[^<]*</button>', "", page
    )
    page = re.sub(r"[^>]*?\*\*（演示）|.\*+[^<]{0,6}", "·", page)  # a masked name
    attributes = re.findall(r'(?:aria-label|placeholder|alt|title|content)="([^"]*)"', page)
    return [text.strip() for text in [*attributes, *re.sub(r"<[^>]*>", "\n", page).split("\n")] if text.strip()]


@pytest.mark.parametrize("language", ["en", "zh-hant", "zh-hans"])
def test_pages_speak_one_language(client: Client, pages, settings, language):
    settings.LANGUAGE_CODE = language  # a hall screen speaks the centre's language, not its browser's
    client.post("/settings/language", {"language": language})
    traditional = {k: v for k, v in catalog("zh_Hant").items() if k and k != v and "%" not in k}
    for address in pages:
        response = client.get(address, follow=True)
        page = response.content.decode()
        assert f'<html lang="{ {"en": "en", "zh-hant": "zh-Hant", "zh-hans": "zh-Hans"}[language] }"' in page, address
        for text in texts_of(page):
            if language == "en":
                assert not HAN.search(re.sub(r"e\.g\. .*", "", text)), (address, text)
            elif language == "zh-hant":
                assert text not in traditional, (address, text)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wanted, lang", [("en-GB,en;q=0.8", "en"), ("zh-TW", "zh-Hant"), ("zh-HK", "zh-Hant"), ("fr", "zh-Hans")]
)
def test_the_browsers_language_comes_first(client: Client, wanted, lang):
    assert f'<html lang="{lang}"' in client.get("/", headers={"accept-language": wanted}).content.decode()


@pytest.mark.django_db
def test_switching_the_language_keeps_the_page(client: Client):
    make_center()
    here = "/search?q=%E8%AE%B8%E5%8F%AF&page=1"
    assert f'name="next" value="{html.escape(here)}"' in client.get(here).content.decode()
    answer = client.post("/settings/language", {"language": "en", "next": here})
    assert answer.status_code == 302 and answer["Location"] == here
    assert '<html lang="en"' in client.get(here).content.decode()
    away = client.post("/settings/language", {"language": "en", "next": "https://elsewhere.example/"})
    assert away["Location"] == "/"
