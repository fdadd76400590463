"""Lists of any kind are read as they were meant, or refused with one sentence."""

import gzip
import io
import json
import string
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yimen.lib import sheet
from yimen.lib.tables import Limits, Unreadable, open_table

HEAD = "名称,编号\n"


def read(path, **options):
    table = open_table(path, **options)
    return table, list(table.rows())


@pytest.fixture
def file(tmp_path):
    def make(content, name="list.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make


CONTENT = "xl/worksheets/sheet1.xml"
SHEET = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{}<sheetData>{}</sheetData></worksheet>'


def workbook(rows="", head="", **members):
    """A workbook by hand: `rows` is the XML of the first sheet's rows; members replace or add parts."""
    out = io.BytesIO()
    sheet.write_xlsx(out, [("事项", [["a"]])])
    parts = {name: zipfile.ZipFile(out).read(name) for name in zipfile.ZipFile(out).namelist()}
    parts[CONTENT] = SHEET.format(head, rows).encode()
    parts |= {name.replace("__", "/"): text.encode() for name, text in members.items()}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in parts.items():
            file.writestr(name, text)
    return packed.getvalue()


def cell(place, value, kind="str", more=""):
    return f'<c r="{place}" t="{kind}"{more}><v>{value}</v></c>'


TOP = f'<row r="1">{cell("A1", "名称")}{cell("B1", "编号")}</row>'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_the_encoding_and_the_delimiter_are_found(file, encoding, sign):
    text = f"名称{sign}编号{sign}说明\n食品经营许可{sign}007{sign}a\n开办“旅馆”{sign}8{sign}b\n"
    table, rows = read(file(text.encode(encoding)))
    assert table.headings == ("名称", "编号", "说明")
    assert [(row.number, row.values["名称"], row.values["编号"]) for row in rows] == [
        (2, "食品经营许可", "007"),
        (3, "开办“旅馆”", "8"),
    ]


def test_packed_files_are_unpacked_and_empty_lines_left_out(file):
    table, rows = read(file(gzip.compress((HEAD + "\n甲,1\n,,\n乙,2\n").encode()), "list.csv.gz"))
    assert [(row.number, row.values["名称"]) for row in rows] == [(3, "甲"), (5, "乙")]
    assert table.count() >= 2


def test_the_headings_are_found_below_a_title_and_through_merged_cells(file):
    text = "2026 年事项清单,,,\n,,时限,\n名称,编号,,备注\n甲,1,5,x\n"
    table, rows = read(file(text))
    assert table.headings == ("名称", "编号", "时限", "备注") and table.heading_row == 3
    assert rows[0].values == {"名称": "甲", "编号": "1", "时限": "5", "备注": "x"}
    assert open_table(file("a,b,c,d\n1,2,3,4\nx,y,,\n9,9,,\n"), expect=["x", "y"]).heading_row == 3


def test_headings_that_repeat_or_are_missing_get_names_of_their_own(file):
    table, _rows = read(file("名称,名称,,编号\n甲,乙,丙,1\n"))
    assert table.headings == ("名称", "名称 (2)", "第 C 列", "编号")


def test_a_row_longer_than_the_headings_is_named(file):
    _table, rows = read(file(HEAD + "甲,1,多\n乙,2\n"))
    assert [bool(row.problem) for row in rows] == [True, False]


def test_json_lines_keep_their_values_and_bad_lines_their_number(file):
    text = (
        json.dumps({"名称": "甲", "材料": ["表"]}, ensure_ascii=False)
        + '\n{"a\n[1]\n{"b": NaN}\n\n'
        + '{"名称": "乙"}\n'
    )
    table, rows = read(file(text, "list.jsonl"))
    assert table.headings == ("名称", "材料")
    assert [(row.number, bool(row.problem)) for row in rows] == [
        (1, False),
        (2, True),
        (3, True),
        (4, True),
        (6, False),
    ]
    assert rows[0].values["材料"] == ["表"]


def test_cells_of_a_workbook_are_what_a_person_sees(file):
    strings = "<sst xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'><si><r><t>共</t></r><r><t>用</t></r></si></sst>"
    styles = (
        "<styleSheet xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'><numFmts>"
        "<numFmt numFmtId='170' formatCode='yyyy\"年\"m\"月\"'/></numFmts><cellXfs><xf numFmtId='0'/>"
        "<xf numFmtId='14'/><xf numFmtId='170'/></cellXfs></styleSheet>"
    )
    places = "ABCDEFGHIJ"
    values = [("0", "s", ""), ("5", "n", ""), ("1.5", "n", ""), ("46426", "n", ' s="1"'), ("46426.5", "n", ' s="2"')]
    values += [
        ("1", "b", ""),
        ("公式的结果", "str", ""),
        ("1E2", "n", ""),
        ("4.4E+30", "n", ""),
        ("2026-11-22T00:00:00", "d", ""),
    ]
    row = "".join(cell(f"{at}2", *value) for at, value in zip(places, values, strict=True))
    top = "".join(cell(f"{at}1", f"列{at}") for at in places)
    content = workbook(
        f'<row r="1">{top}</row><row r="2">{row}</row>', xl__sharedStrings="", **{"xl/styles.xml": styles}
    )
    packed = io.BytesIO(content)
    with zipfile.ZipFile(packed, "a") as more:
        more.writestr("xl/sharedStrings.xml", strings)
    _table, rows = read(file(packed.getvalue(), "list.xlsx"))
    shown = list(rows[0].values.values())
    assert shown == [
        "共用",
        "5",
        "1.5",
        "2027-02-08",
        "2027-02-08 12:00",
        "是",
        "公式的结果",
        "100",
        "4.4E+30",
        "2026-11-22",
    ]


@pytest.mark.parametrize(
    "bad, word",
    [
        ('<c r="A2" t="e"><v>#REF!</v></c>', "A2"),
        ('<c r="A2"><f>B2+1</f></c>', "公式"),
        ('<c r="A2" t="s"><v>99</v></c>', "A2"),
    ],
)
def test_a_cell_that_says_nothing_sure_is_named_with_its_place(file, bad, word):
    _table, rows = read(file(workbook(f'{TOP}<row r="2">{bad}{cell("B2", "1")}</row>'), "list.xlsx"))
    assert word in rows[0].problem


def test_a_wanted_sheet_is_read_and_a_missing_one_named(tmp_path):
    path = tmp_path / "two.xlsx"
    with path.open("wb") as out:
        sheet.write_xlsx(out, [("说明", [["写在前面的话"]]), ("事项", [["名称", "编号"], ["甲", "1"]])])
    _table, rows = read(path, sheet="事项")
    assert rows[0].values == {"名称": "甲", "编号": "1"}
    with pytest.raises(Unreadable, match="说明、事项"):
        open_table(path, sheet="别的")


def bomb():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name in zipfile.ZipFile(io.BytesIO(workbook(TOP))).namelist():
            if name != CONTENT:
                file.writestr(name, zipfile.ZipFile(io.BytesIO(workbook(TOP))).read(name))
        file.writestr(CONTENT, b" " * 3_000_000)
    return packed.getvalue()


ENTITY = '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]>'
REFUSED = {
    "empty.csv": b"",
    "blank.csv": b"\n\n  \n",
    "nul.csv": b"a,b\n1,\0\n",
    "bytes.csv": "名称".encode() + b"\xff\xff,1\n\x80\x81",
    "open-quote.csv": b'a,b\n"' + b"x" * 5_000,
    "wide.csv": b",".join([b"a"] * 1_000_000),
    "long.jsonl": b'{"a": "' + b"x" * 5_000 + b'"}',
    "list.jsonl": b"[]\n",
    "cut.csv.gz": gzip.compress(b"a,b\n" * 5000)[:-30],
    "packed.csv.gz": gzip.compress(b"a,b\n" * 1_000_000),
    "old.xls": b"\xd0\xcf\x11\xe0" + bytes(100),
    "paper.pdf": b"%PDF-1.7 ...",
    "cut.xlsx": workbook(TOP)[:-200],
    "not-a-book.xlsx": b"PK\x03\x04" + bytes(50),
    "bomb.xlsx": bomb(),
    "entities.xlsx": workbook(TOP, **{CONTENT: ENTITY + SHEET.format("", TOP)}),
    "far-column.xlsx": workbook(f'<row r="1">{cell("XFD1", "a")}</row>'),
    "far-row.xlsx": workbook(f'<row r="99999999">{cell("A1", "a")}</row>'),
    "broken.xlsx": workbook(TOP, **{CONTENT: "<worksheet><sheetData><row>"}),
    "no-rows.xlsx": workbook(),
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_is_no_list_is_one_sentence(file, name):
    limits = Limits(unpacked=2_000_000, text=2_000, columns=300)
    with pytest.raises(Unreadable) as refused:
        read(file(REFUSED[name], name), limits=limits)
    assert len(str(refused.value)) > 8 and "\n" not in str(refused.value)


def test_too_many_rows_and_too_large_a_file_are_refused(file):
    path = file(HEAD + "甲,1\n" * 20)
    with pytest.raises(Unreadable, match="10 行"):
        read(path, limits=Limits(rows=10))
    with pytest.raises(Unreadable, match="MB"):
        read(path, limits=Limits(size=10))
    for place in (path.parent, path.parent / "missing.csv"):
        with pytest.raises(Unreadable):
            open_table(place)


GOOD = (workbook(TOP + f'<row r="2">{cell("A2", "甲")}{cell("B2", "1")}</row>'), (HEAD + "甲,1\n").encode("gb18030"))


@settings(max_examples=120, deadline=None)
@given(
    base=st.sampled_from((*GOOD, b"")),
    at=st.integers(0, 3000),
    put=st.binary(max_size=60),
    cut=st.integers(0, 40),
    name=st.sampled_from(["a.csv", "a.xlsx", "a.jsonl", "a.csv.gz"]),
)
def test_nothing_a_file_holds_breaks_the_reader(tmp_path_factory, base, at, put, cut, name):
    path = tmp_path_factory.mktemp("any") / name
    path.write_bytes(base[:at] + put + base[at + cut :])
    try:
        for record in open_table(path, limits=Limits(unpacked=5_000_000)).rows():
            assert record.number >= 1 and isinstance(record.values, dict)
    except Unreadable as error:
        assert str(error)


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)


@settings(max_examples=80, deadline=None)
@given(
    rows=st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=6),
    form=st.sampled_from(["csv", "xlsx"]),
)
def test_what_is_written_is_read_again_and_is_never_a_formula(tmp_path_factory, rows, form):
    rows = [["x" + row[0].strip(), row[1].strip()] for row in rows]
    path = tmp_path_factory.mktemp("round") / f"list.{form}"
    content = [["名称", "值"], *rows]
    if form == "csv":
        path.write_text("".join(sheet.write_csv(content)), encoding="utf-8", newline="")
    else:
        with path.open("wb") as out:
            sheet.write_xlsx(out, [("表", content)])
    found = [list(record.values.values()) for record in open_table(path).rows()]
    for cells in found:
        assert not cells[1].startswith(sheet.FORMULA) or form == "xlsx"
    assert [[cell if form == "xlsx" else sheet.plain_cell(cell) for cell in cells] for cells in found] == [
        [cell.strip() for cell in row] for row in rows
    ]


@given(CELLS)
def test_a_safe_cell_gives_its_text_back_and_is_no_formula(text):
    assert sheet.plain_cell(sheet.safe_cell(text)) == text
    assert not sheet.safe_cell(text).startswith(sheet.FORMULA)


def test_a_text_no_spreadsheet_holds_is_refused_with_its_place():
    with pytest.raises(sheet.CellTooLong, match="第 2 行第 1 列"):
        sheet.write_xlsx(io.BytesIO(), [("表", [["a"], ["x" * 40_000]])])


def test_the_alphabet_of_columns():
    from yimen.lib.tables import letters

    assert [letters(at) for at in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]
    assert letters(0) in string.ascii_uppercase
