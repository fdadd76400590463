"""Leaflets, one-time notices and the booklet: from the item's data, one page each, everywhere the same."""

import argparse
import io
import re

import pytest
from django.test import Client
from pypdf import PdfReader

from yimen.catalog import actions, booklets, prints
from yimen.catalog.actions import FeeDraft, MaterialDraft, scenario
from yimen.catalog.queries import guides
from yimen.catalog.rules.forms import Form
from yimen.catalog.tests.factories import BASIS, NOW, make_draft, make_item
from yimen.catalog.tests.power_factories import bulk_items
from yimen.catalog.tests.scenarios import make_scenario_draft, make_scenario_item
from yimen.commands import leaflets as command
from yimen.hall.tests.factories import make_hall, make_series, make_window
from yimen.ledger.actions import SYSTEM
from yimen.lib import pdf
from yimen.people.models import Role
from yimen.people.tests.factories import make_center, make_department, make_post, make_staff, outsider
from yimen.testing import shared
from yimen.web import leaflet_lists
from yimen.web.tests.pages import Page

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def flat(text: str) -> str:
    return "".join(text.split())


def pages_of(made: bytes) -> list[str]:
    return [flat(page.extract_text()) for page in PdfReader(io.BytesIO(made)).pages]


def client_of(staff) -> Client:
    client = Client()
    client.force_login(staff.user, backend=BACKEND)
    return client


def run(*words: object) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args([str(word) for word in words]))


@pytest.fixture
def center():
    return make_center()


@pytest.fixture
def organ(center):
    return make_department(center.region, name="市场监管局（演示）")


@pytest.fixture
def item(organ):
    return make_item(department=organ, name="食品经营许可（新办）")


def leaflet_of(client: Client, item, query: str = "") -> list[str]:
    response = client.get(f"/items/{item.task_code}/leaflet.pdf{query}")
    assert response.status_code == 200 and response["Content-Type"] == "application/pdf"
    return pages_of(response.content)


@pytest.mark.capability("S3-8")
def test_a_leaflet_prints_basis_process_and_limit_from_the_item(client: Client, item):
    (page,) = leaflet_of(client, item)
    for said in (
        "食品经营许可（新办）", "《演示条例》第一条", "收件、受理、审查、决定、送达。", "承诺9个工作日，法定20个工作日",
        "要带什么材料", "走哪些程序", "什么时候办好", "收不收费", "申请表", "原件1份", "身份证", "原件1份、复印件1份",
        "不用带营业执照", "演示路1号3号窗口", "12345", item.task_code, "第1版", "沿虚线撕下",
    ):  # fmt: skip
        assert flat(said) in page, said
    assert "详见二维码" not in page


@pytest.mark.parametrize("per_page, sheets", [(1, 1), (2, 2), (4, 4)])
def test_one_leaflet_fills_its_page(client: Client, item, per_page, sheets):
    (page,) = leaflet_of(client, item, f"?per_page={per_page}")
    assert page.count("沿虚线撕下") == sheets


@pytest.mark.parametrize("per_page", [1, 2, 4])
def test_whatever_an_item_says_its_leaflet_keeps_to_its_place_and_owns_up(organ, per_page):
    long = "很长的说明，" * 400
    monster = make_item(
        department=organ,
        name="关于" + "在" * 290 + "的许可",
        plain_text=long,
        legal_basis=long,
        procedure=long,
        accept_condition=long,
        place=long,
        hours=long,
        consult_way=long,
        complaint_way=long,
        materials=[MaterialDraft("材" * 480 + str(n), note=long, legal_basis=BASIS) for n in range(60)],
    )
    center = guides.place_of(make_center(organ.region))
    with prints.in_chinese():
        sheets = list(
            guides.sheets(
                leaflet_lists.of_codes(organ.region, [monster.task_code]), organ.region, center=center, on=NOW.date()
            )
        )
        pages = pages_of(prints.leaflets(sheets * per_page, at=NOW, per_page=per_page))
    assert len(pages) == 1 and pages[0].count("全文详见二维码") == per_page
    assert "还有55样没印下，详见二维码" in pages[0] and pages[0].count("沿虚线撕下") == per_page


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_published_guide_of_a_province_fits_its_leaflet(center):
    from yimen.catalog.importers import import_guangdong

    path = shared("data/catalogue/guangdong_province.jsonl.gz")
    import_guangdong(path, by=SYSTEM, at=NOW, region_code=center.region_id)
    items = leaflet_lists.of_all(center.region_id)
    with prints.in_chinese():
        sheets = list(guides.sheets(items, center.region_id, center=guides.place_of(center), on=NOW.date()))
        assert len(sheets) == 2024
        some = sorted(sheets, key=lambda sheet: -len(str(sheet)))[:60] + sheets[::100]
        for per_page in prints.PER_PAGE:
            pages = pages_of(prints.leaflets(some, at=NOW, per_page=per_page))
            assert len(pages) == -(-len(some) // per_page)
            assert sum(page.count("沿虚线撕下") for page in pages) == len(some)


@pytest.mark.capability("S3-9")
def test_sixty_six_processes_are_printed_in_one_run(organ, item, tmp_path, capsys):
    bulk_items(item, 66)
    assert run("--all", "-o", tmp_path, "--per-page", 2) == 0
    (file,) = tmp_path.iterdir()
    pages = pages_of(file.read_bytes())
    assert len(pages) == 33 and sum(page.count("沿虚线撕下") for page in pages) == 66
    assert str(file) in capsys.readouterr().out


@pytest.mark.capability("S3-10")
def test_printing_by_window_gives_its_items_alone(center, organ, item, tmp_path):
    other = make_item(department=organ, name="出版物零售许可")
    hall = make_hall(center.region, center=center)
    food, books = make_series(hall, "A"), make_series(hall, "B")
    food.items.set([item])
    books.items.set([other])
    window = make_window(food, staffed=False, number=7)
    make_window(books, staffed=False, number=8)
    assert run("--window", 7, "-o", tmp_path / "seven.pdf") == 0
    (page,) = pages_of((tmp_path / "seven.pdf").read_bytes())
    assert "食品经营许可（新办）" in page and "出版物零售许可" not in page

    guide = client_of(make_staff(Role.GUIDE, department=organ))
    listed = Page.open(guide, "/workbench/leaflets").follow("7 号综合窗口")
    assert "食品经营许可（新办）" in listed.text and "出版物零售许可" not in listed.text
    printed = guide.get(f"/workbench/leaflets/print.pdf?window={window.pk}&per_page=4")
    assert printed["Content-Type"] == "application/pdf" and len(pages_of(printed.content)) == 1


def test_a_long_run_is_printed_in_pieces_that_add_up(organ, item, monkeypatch):
    bulk_items(item, 5)
    monkeypatch.setattr(leaflet_lists, "PIECE", 2)
    client = client_of(make_staff(Role.GUIDE, department=organ))
    listed = Page.open(client, f"/workbench/leaflets/list?department={organ.pk}&per_page=2")
    names = [text for _address, text in listed.links if text.startswith("打开第")]
    assert names == ["打开第 1 到 2 张", "打开第 3 到 4 张", "打开第 5 到 5 张"]
    found = "".join("".join(pages_of(client.get(listed.link(name)).content)) for name in names)
    assert sorted(set(re.findall("演示事项00[0-9]", found))) == [f"演示事项00{n}" for n in range(1, 5)]
    assert "食品经营许可（新办）" in found
    beyond = client.get(f"/workbench/leaflets/print.pdf?department={organ.pk}&piece=9")
    assert beyond.status_code == 302  # back to the list, with a sentence


def test_a_long_run_set_in_a_process_of_its_own_is_the_same_paper(organ, item, monkeypatch):
    center = guides.place_of(make_center(organ.region))
    with prints.in_chinese():
        sheets = list(guides.sheets(leaflet_lists.of_all(organ.region), organ.region, center=center, on=NOW.date()))
        here = prints.leaflets(sheets, at=NOW)
        monkeypatch.setattr(prints, "FEW", 0)
        assert prints.leaflets(sheets, at=NOW) == here
    with pytest.raises(pdf.DocumentFault, match="no document template"):
        pdf.render_apart("catalog/typst/nothing.typ", {"issued_at": NOW.isoformat()})


def test_a_units_own_window_without_series_prints_the_units_items(organ, item):
    hall = make_hall(organ.region)
    window = make_window(make_series(hall), staffed=False, department=organ)
    window.series.clear()
    assert [one.pk for one in leaflet_lists.of_window(window)] == [item.pk]
    assert [one.count for one in leaflet_lists.windows_to_print(organ.region)] == [1]


@pytest.mark.parametrize(
    "words, said",
    [
        (("--window", 99), "没有 99 号窗口"), (("--item", "no-such-code"), "没有发布过编码是 no-such-code"),
        (("--department", "nowhere"), "没有代号是 nowhere 的部门"),
    ],
    ids=["window", "item", "department"],
)  # fmt: skip
def test_what_cannot_be_printed_is_said(item, tmp_path, words, said):
    with pytest.raises(command.NotFound, match=said):
        run(*words, "-o", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.capability("S1-24")
def test_one_command_makes_the_booklet_of_all_published_items(organ, item, tmp_path):
    bulk_items(item, 12)
    make_draft(department=organ, name="还没发布的许可")
    other = make_item(department=make_department(organ.region, name="民政局（演示）"), name="高龄津贴申领")
    assert run("--booklet", "-o", tmp_path) == 0
    reader = PdfReader(tmp_path / "booklet.pdf")
    pages = [flat(page.extract_text()) for page in reader.pages]
    assert "政务服务事项办事指南" in pages[0] and "2个部门，13件事" in pages[0]
    contents = "".join(pages[1:2])
    for name in ("市场监管局（演示）", "民政局（演示）", "食品经营许可（新办）", "高龄津贴申领", "演示事项011"):
        assert name in contents
    # The page the contents name is where it stands: the cover is not counted.
    number = int(re.search(r"高龄津贴申领[.\s]*(\d+)", contents)[1])
    assert other.task_code in "".join(pages[number : number + 2]) and "还没发布的许可" not in "".join(pages)
    outline = [[one.title for one in part] if isinstance(part, list) else part.title for part in reader.outline]
    assert "民政局（演示）" in outline and ["高龄津贴申领"] in outline


def test_a_booklet_may_be_given_the_name_of_a_file(organ, item, tmp_path):
    assert run("--booklet", "-o", tmp_path / "new" / "everything.pdf") == 0
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["everything.pdf"]
    assert (tmp_path / "new" / "everything.pdf").read_bytes().startswith(b"%PDF")


def test_the_day_an_edition_counts_from_is_said_in_the_readers_language(client, item):
    on = item.published.effective_on
    for language, said in (("zh-hans", f"{on.year} 年 {on.month} 月 {on.day} 日起"), ("en", f"{on:%b} {on.year}")):
        client.cookies["django_language"] = language
        assert said in client.get(f"/items/{item.task_code}").content.decode()


def test_a_large_catalogue_is_printed_in_volumes(organ, item, tmp_path, monkeypatch):
    bulk_items(item, 6)
    make_item(department=make_department(organ.region, name="民政局（演示）"), name="高龄津贴申领")
    monkeypatch.setattr(prints, "VOLUME", 3)
    files = booklets.write(tmp_path, organ.region, guides.place_of(None), at=NOW)
    assert [file.name for file in files] == ["booklet-1.pdf", "booklet-2.pdf", "booklet-3.pdf"]
    pages = pages_of(files[1].read_bytes())
    assert "第2册，共3册" in pages[0]
    # Each volume tells what stands in the others.
    assert "第1册市场监管局（演示）第2册市场监管局（演示）第3册民政局（演示）" in pages[1]


def test_departments_stand_in_the_volumes_their_items_are_in():
    counts = {"甲": prints.VOLUME, "乙": 1, "丙": 2 * prints.VOLUME - 1, "丁": 1}
    assert prints.departments_by_volume(counts) == [["甲"], ["乙", "丙"], ["丙"], ["丁"]]
    assert prints.departments_by_volume({}) == []


def test_the_portal_hands_out_the_newest_booklet_and_says_when_it_is_old(
    client: Client, center, organ, item, tmp_path, settings
):
    settings.HOME = tmp_path
    assert "汇编正在做" in client.get("/booklet").content.decode()
    place = guides.place_of(center)
    assert booklets.keep(booklets.root(), center.region, place, at=NOW) is not None
    assert booklets.keep(booklets.root(), center.region, place, at=NOW) is None  # nothing new to say
    page = client.get("/booklet").content.decode()
    assert "/booklet/1.pdf" in page and "目录刚改过" not in page
    assert b"".join(client.get("/booklet/1.pdf").streaming_content).startswith(b"%PDF")
    assert client.get("/booklet/2.pdf").status_code == 404
    make_item(department=organ, name="新公布的事")
    assert "目录刚改过" in client.get("/booklet").content.decode()
    assert booklets.keep(booklets.root(), center.region, place, at=NOW) is not None
    assert "目录刚改过" not in client.get("/booklet").content.decode()


@pytest.mark.capability("S0-30", "S1-27")
def test_the_notice_lists_every_material_a_filled_sample_each_step_and_all_four_parts(client: Client, center, organ):
    item = make_scenario_item(department=organ).item
    post = make_post(organ, "窗口综合受理岗")
    post.duties = "清点材料，缺什么一次说清。"
    post.save()
    page = client.get(f"/items/{item.task_code}/notice").content.decode()
    paper = "".join(pages_of(client.get(f"/items/{item.task_code}/notice.pdf").content))
    for material in item.published.materials.all():
        assert material.name in page and material.name in paper
    for step in item.published.steps.all():
        assert step.name in page and step.post in paper
    for said in (
        "填好的样表：食品经营许可申请书", "小满面馆（演示）", "店名",  # a filled sample
        "怎么办，每一步谁负责", "清点材料，缺什么一次说清。",  # procedure, duties of the post
        "收费标准和依据", "不收费",  # fee
        "我们的承诺", center.motto, "承诺9个工作日内办好，比法定时限快11个工作日",  # promises
    ):  # fmt: skip
        assert flat(said) in flat(page) and flat(said) in paper, said


def test_a_missing_part_of_the_notice_blocks_publishing(organ):
    draft = make_scenario_draft(department=organ)
    form = draft.forms.get()
    scenario.save_forms(draft.item, [Form(form.key, form.title, form.schema, {})], by=SYSTEM, at=NOW)
    actions.save_draft(draft.item, {"complaint_way": ""}, by=SYSTEM, at=NOW)
    with pytest.raises(actions.NotReady) as refused:
        actions.publish(draft, by=SYSTEM, at=NOW)
    assert "样表" in str(refused.value) and "监督投诉方式还没写" in str(refused.value)


def test_the_notice_at_the_window_is_word_for_word_what_is_online(client: Client, center, organ):
    """CASE-14."""
    item = make_scenario_item(department=organ).item
    page = client.get(f"/items/{item.task_code}/notice").content.decode()
    clerk = client_of(make_staff(Role.CLERK, department=organ))
    response = clerk.get(f"/workbench/editions/{item.published_id}/notice.pdf")
    paper = "".join(pages_of(response.content))
    cells = [
        flat(re.sub("<[^>]+>", "", cell))
        for cell in re.findall(r"<(?:td|dd|h2|p class=\"measure\")[^>]*>(.*?)</(?:td|dd|h2|p)>", page, re.S)
    ]
    assert len(cells) > 40 and [cell for cell in cells if cell not in paper] == []
    assert (
        client_of(outsider(organ.region)).get(f"/workbench/editions/{item.published_id}/notice.pdf").status_code == 403
    )


def test_a_change_shows_everywhere_without_retyping(client: Client, center, organ, item, tmp_path):
    def everywhere() -> dict[str, str]:
        assert run("--booklet", "-o", tmp_path) == 0
        address = f"/items/{item.task_code}"
        return {
            "guide": flat(client.get(address).content.decode()),
            "leaflet": "".join(leaflet_of(client, item)),
            "notice": "".join(pages_of(client.get(f"{address}/notice.pdf").content)),
            "notice page": flat(client.get(f"{address}/notice").content.decode()),
            "booklet": "".join(pages_of((tmp_path / "booklet.pdf").read_bytes())),
            "checklist": flat(client.get(f"{address}/checklist", follow=True).content.decode()),
        }

    before = everywhere()
    assert [where for where, text in before.items() if "店面布局图" in text] == []
    editor = make_staff(Role.EDITOR, department=organ)
    publisher = make_staff(Role.PUBLISHER, department=organ)
    materials = [MaterialDraft("身份证", legal_basis=BASIS), MaterialDraft("店面布局图", legal_basis=BASIS)]
    draft = actions.save_draft(item, {"promised_limit": 5}, materials=materials, by=editor, at=NOW)
    assert [where for where, text in everywhere().items() if "店面布局图" in text] == []  # drafts are nobody's business
    actions.publish(draft, by=publisher, at=NOW)
    after = everywhere()
    assert [where for where, text in after.items() if "店面布局图" not in text] == []
    assert [where for where, text in after.items() if "5个工作日" not in text and where != "checklist"] == []


def test_a_fee_stands_on_the_leaflet_with_its_basis(client: Client, organ, center):
    draft = make_draft(department=organ)
    fees = [FeeDraft("工本费", "每本 10 元", "《演示价格条例》第三条")]
    draft = actions.save_draft(draft.item, {"has_fee": True}, fees=fees, by=SYSTEM, at=NOW)
    item = actions.publish(draft, by=SYSTEM, at=NOW).item
    (page,) = leaflet_of(client, item)
    assert "工本费每本10元（《演示价格条例》第三条）" in page
    # Said once on paper; on the guide in the table and under its head.
    assert page.count("工本费") == 1
    assert flat(client.get(f"/items/{item.task_code}").content.decode()).count("《演示价格条例》第三条") == 2


@pytest.mark.parametrize("text", ["#set page(width: 1cm) *粗* $x$ <b> @ref // \\ [链接]", "申请表\u0000\u202e😀"])
def test_nothing_an_item_says_is_read_as_markup(organ, text):
    item = make_item(
        department=organ,
        materials=[MaterialDraft(text.replace("\u0000", ""), legal_basis=BASIS)],
        plain_text=text.replace("\u0000", ""),
    )
    with prints.in_chinese():
        sheets = list(
            guides.sheets(
                leaflet_lists.of_codes(organ.region, [item.task_code]),
                organ.region,
                center=guides.place_of(None),
                on=NOW.date(),
            )
        )
        assert len(pages_of(prints.leaflets(sheets, at=NOW))) == 1
        assert pages_of(prints.notice(sheets[0], at=NOW))


@pytest.mark.parametrize("role", [*Role, None])
def test_the_print_pages_open_for_those_who_meet_people_or_write_for_them(organ, item, role):
    may = role in {Role.GUIDE, Role.CLERK, Role.APPROVER, Role.LEADER, Role.HALL_MANAGER, Role.EDITOR, Role.PUBLISHER}
    client = client_of(make_staff(role, department=organ))
    for address in ("", f"/list?department={organ.pk}", f"/print.pdf?department={organ.pk}"):
        assert client.get(f"/workbench/leaflets{address}").status_code == (200 if may else 403), address


@pytest.mark.parametrize("query", ["", "?window=x", "?window=00000000-0000-4000-8000-000000000000", "?department=a"])
def test_a_run_nobody_named_is_a_404(organ, item, query):
    client = client_of(make_staff(Role.GUIDE, department=organ))
    assert client.get(f"/workbench/leaflets/list{query}").status_code == 404


def test_another_regions_window_is_not_there(item, organ):
    from yimen.people.tests.factories import make_region

    elsewhere = make_window(make_series(make_hall(make_region("510000", "别处"))), staffed=False)
    client = client_of(make_staff(Role.GUIDE, department=organ))
    assert client.get(f"/workbench/leaflets/list?window={elsewhere.pk}").status_code == 404
