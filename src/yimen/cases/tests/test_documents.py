"""The formal documents of a case: what stands in them, and that nothing in their data is read as markup."""

import io
import threading

import pytest
from django.db import transaction
from pypdf import PdfReader

from yimen.cases import documents
from yimen.cases.actions.common import give
from yimen.cases.models import Notice
from yimen.cases.tests.factories import make_case
from yimen.lib import pdf
from yimen.people.tests.factories import NOW, make_staff

HOSTILE = '#set page()*_$x$_* <b> `raw` @ref // /* [x] \\ "q" #data.organ 林小满（演示）'

BASE = {
    "organ": "江北区行政审批服务局（演示）",
    "number": "江审受〔2026〕417 号",
    "addressee": "林小满（演示）",
    "date": "2026 年 11 月 18 日",
    "seal": "行政审批专用章",
    "issued_at": "2026-11-18T09:05:00+08:00",
    "verify_url": "https://yimen.example/v/7K3M9QX2",
    "verify_code": "7K3M 9QX2",
    "contact": "有疑问请找综合窗口 3 号，电话 023-00000000",
    "foot": "江北区政务服务中心（演示） · 金港路 1 号 · 第 3 版",
    "case_no": "QH-261118-00417",
    "item": "食品经营许可（小餐饮店新办）",
    "applicant": "林小满（演示）  500***********07",
}
REMEDIES = {
    "reconsideration_organ": "江北区人民政府",
    "reconsideration_limit": "60 日",
    "court": "江北区人民法院",
    "lawsuit_limit": "6 个月",
}
DOCUMENTS = {
    "receipt": {
        "received_at": "2026 年 11 月 18 日 9:05",
        "received_by": "综合窗口 3 号，工号 0312",
        "materials": [
            {"name": "食品经营许可申请书", "form": "原件 1 份", "note": ""},
            {"name": "经营场所平面图", "form": "原件 1 份", "note": "手画也行"},
            {"name": "营业执照", "form": "免交", "note": "我们自己查，不用带"},
        ],
        "next": "11 月 25 日前告诉您是否受理；到时没有消息，就算从今天起受理。",
        "query": "想看办到哪一步，凭办件编号和手机号后四位，在网上或自助机上查。",
    },
    "acceptance": {
        "received_on": "2026 年 11 月 18 日",
        "accepted_on": "2026 年 11 月 18 日（周三）",
        "promised": "20 个工作日",
        "statutory": "20 个工作日",
        "due_on": "2026 年 12 月 16 日（周三）",
        "sum": [
            {"label": "受理日", "value": "11 月 18 日"},
            {"label": "承诺", "value": "20 个工作日"},
            {"label": "依法停计", "value": "0 天"},
            {"label": "中间的休息日", "value": "8 天"},
            {"label": "到期日", "value": "12 月 16 日（周三）"},
        ],
        "due_note": "",
        "basis": "《中华人民共和国行政许可法》第三十二条",
        "handler": "市场监管科审查岗，023-00000000",
        "query": "想看办到哪一步，凭办件编号和手机号后四位，在网上或自助机上查。",
    },
    "decline": {
        "received_on": "2026 年 11 月 18 日",
        "reasons": ["您的店在渝中区，这项许可由店所在地的区办理，不属于本机关职权范围。"],
        "basis": "《中华人民共和国行政许可法》第三十二条第一款第（二）项",
        "right_organ": {"name": "渝中区市场监督管理局（演示）", "address": "和平路 1 号", "phone": "023-00000001"},
        "remedies": REMEDIES,
    },
    "decision": {
        "is_granted": False,
        "accepted_on": "2026 年 11 月 18 日",
        "basis": "《中华人民共和国行政许可法》第三十八条第二款",
        "reasons": ["后厨和厕所之间没有隔断，不符合《食品经营许可审查通则》的要求。", "没有上下水设施。"],
        "result": None,
        "remedies": REMEDIES,
    },
    "correction": {
        "received_on": "2026 年 11 月 18 日",
        "basis": "《中华人民共和国行政许可法》第三十二条第一款第（四）项",
        "missing": [
            {"name": "经营场所平面图", "problem": "没有交", "how": "标出后厨、餐区和水池。手画也行"},
            {"name": "申请书第 2 页", "problem": "没有签名", "how": "本人签名，或在线签"},
        ],
        "until": "2026 年 11 月 25 日（周三）",
        "how": "网上传照片，或交到综合窗口 3 号。",
    },
}
TITLES = {
    "receipt": "收件凭证",
    "acceptance": "受理通知书",
    "decline": "不予受理决定书",
    "decision": "不予行政许可决定书",
    "correction": "补正告知书",
}
KINDS = sorted(DOCUMENTS)


def make(kind, **changes):
    return pdf.render(f"cases/typst/{kind}.typ", {**BASE, **DOCUMENTS[kind], **changes})


def text_of(made):
    return "".join("".join(page.extract_text() for page in PdfReader(io.BytesIO(made)).pages).split())


def leaves(value):
    if isinstance(value, dict):
        value = list(value.values())
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, list) else [value]


def is_printed(words, text):
    return "".join(words.split()) in text


@pytest.mark.parametrize("kind", KINDS)
def test_a_document_is_one_page_and_says_all_it_was_given(kind):
    made = make(kind)
    text = text_of(made)
    assert len(PdfReader(io.BytesIO(made)).pages) == 1
    given = {**BASE, **DOCUMENTS[kind], "title": TITLES[kind]}
    del given["issued_at"], given["verify_url"]
    assert [leaf for leaf in leaves(given) if isinstance(leaf, str) and not is_printed(leaf, text)] == []


@pytest.mark.parametrize(
    "is_granted, is_licence, title",
    [
        (True, True, "准予行政许可决定书"),
        (False, True, "不予行政许可决定书"),
        (True, False, "准予办理决定书"),
        (False, False, "不予办理决定书"),
    ],
)
def test_only_a_licence_is_called_a_licence(is_granted, is_licence, title):
    text = text_of(make("decision", is_granted=is_granted, is_licence=is_licence))
    assert title in text
    assert ("行政许可决定" in text) is is_licence


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_in_the_data_is_read_as_markup(kind):
    """SEC-38"""
    text = text_of(make(kind, addressee=HOSTILE, item=HOSTILE, applicant=HOSTILE, organ=HOSTILE))
    assert text.count("".join(HOSTILE.split())) >= 4


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_data_gives_the_same_bytes_and_another_name_others(kind):
    assert make(kind) == make(kind)
    assert make(kind) != make(kind, addressee="沈小河（演示）")


@pytest.mark.parametrize("kind", KINDS)
def test_a_document_can_be_kept_for_good(kind):
    """PDF/A: fonts inside, nothing fetched, tagged for screen readers."""
    reader = PdfReader(io.BytesIO(make(kind)))
    fonts = [font.get_object() for font in reader.pages[0]["/Resources"]["/Font"].values()]
    for font in fonts:
        descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"]
        assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(descriptor), font["/BaseFont"]
    metadata = reader.trailer["/Root"]["/Metadata"].get_data().decode()
    assert "<pdfaid:part>2</pdfaid:part>" in metadata and "<pdfaid:conformance>A</pdfaid:conformance>" in metadata
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert reader.metadata.title == f"{TITLES[kind]} {BASE['number']}"
    assert reader.metadata.creation_date.isoformat() == "2026-11-18T01:05:00+00:00"


@pytest.mark.parametrize(
    "kind, changes",
    [
        ("decision", {"reasons": []}),
        ("decision", {"remedies": {**REMEDIES, "court": ""}}),
        ("decline", {"reasons": []}),
        ("decline", {"remedies": {}}),
        ("correction", {"missing": []}),
        ("acceptance", {"sum": []}),
        ("receipt", {"issued_at": "yesterday"}),
        ("receipt", {"issued_at": "2026-11-18T09:05:00"}),
    ],
)
def test_a_document_without_what_the_law_wants_is_not_made(kind, changes):
    """LAW-4, LAW-17"""
    assert make(kind)
    with pytest.raises(pdf.DocumentFault):
        make(kind, **changes)


def test_a_grant_names_the_certificate_and_no_remedies():
    result = {"name": "食品经营许可证", "number": "JY25001050000001", "valid": "5 年", "delivery": "寄到您家"}
    text = text_of(make("decision", is_granted=True, reasons=[], result=result))
    assert "准予行政许可决定书" in text and "JY25001050000001" in text
    assert "行政复议" not in text


def test_a_day_that_may_still_move_is_said_so():
    """CAL-7"""
    note = "2027 年放假安排还没有公布，到期日是暂定的，公布后重新算。"
    assert is_printed(note, text_of(make("acceptance", due_note=note)))
    assert "暂定" not in text_of(make("acceptance"))


def test_a_long_list_goes_over_several_pages_and_each_carries_the_check_code():
    materials = [{"name": f"材料{n}", "form": "复印件 1 份", "note": "说明" * 9} for n in range(60)]
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(make("receipt", materials=materials))).pages]
    assert len(pages) > 1
    assert all("7K3M" in page for page in pages)


@pytest.mark.parametrize("name, printed", [("𬱖𠮷", "𬱖𠮷"), ("阿😀满", "阿〓满"), ("林\x00\x07满\u202e", "林满")])
def test_a_character_no_font_has_does_not_stop_a_document(name, printed):
    text = text_of(make("receipt", applicant=name))
    assert printed in text or "〓" in text


@pytest.mark.parametrize("template", ["cases/typst/none.typ", "../../manage.py", "settings.py", "/etc/passwd"])
def test_only_templates_of_the_package_are_used(template):
    with pytest.raises(pdf.DocumentFault):
        pdf.render(template, BASE)


def test_many_threads_make_documents_at_once():
    expected = {kind: make(kind) for kind in KINDS}
    wrong = []

    def work(n):
        for _ in range(3):
            kind = KINDS[n % len(KINDS)]
            if make(kind) != expected[kind]:
                wrong.append(kind)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.django_db
def test_a_letter_says_its_sentences_facts_and_table():
    case = make_case()
    letter = documents.Letter(
        opening=["办理中需要检测，检测的日子不计入办理时限。"],
        facts=[("需要多久", "10 天"), ("空的", "")],
        head=["序号", "检测什么"],
        rows=[["1", "井道尺寸"]],
        closing=["检测完会告诉您。"],
        has_remedies=True,
    )
    with transaction.atomic():
        notice = give(case, Notice.Kind.STOP, by=make_staff(), at=NOW, letter=letter)
    text = text_of(documents.render(notice))
    for said in ("特别程序告知书", notice.number, *letter.opening, "10 天", "井道尺寸", *letter.closing, "行政复议"):
        assert is_printed(said, text), said
    assert "空的" not in text
