import pytest

from yimen import cli


@pytest.mark.parametrize(
    "start, count, printed",
    [
        ("2026-02-10", "20", "2026-03-16\n"),
        ("2026-02-14", "5", "2026-02-28\n"),
        ("2026-11-22", "20", "2026-12-18\n"),
        ("2026-12-25", "10", "2027-01-08 provisional\n"),
        ("2005-03-01", "1", "2005-03-02 provisional\n"),
        ("2026-05-01", "0", "2026-05-06\n"),
    ],
)
def test_the_date_is_printed_and_provisional_where_days_off_are_not_announced(capsys, start, count, printed):
    """CAL-6, CAL-7"""
    assert cli.main(["workdays", start, count]) == 0
    assert capsys.readouterr().out == printed


@pytest.mark.parametrize(
    "arguments",
    [
        ["2026-02-30", "5"],
        ["tomorrow", "5"],
        ["2026-2-3", "5"],
        ["2026-02-10", "five"],
        ["2026-02-10", "-1"],
        ["2026-02-10", "1.5"],
        ["9999-12-01", "9999999"],
        ["2026-02-10"],
    ],
)
def test_a_bad_date_or_number_is_one_sentence_and_code_2(capsys, arguments):
    assert cli.main(["workdays", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1 and "Traceback" not in said.err
