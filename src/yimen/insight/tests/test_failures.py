from datetime import date

import pytest

from yimen.cases import actions as cases
from yimen.cases.actions import Handed
from yimen.insight.failures import KIND_WORDS, by_item, failures, reason_kind
from yimen.insight.tests.factories import Office, moment

START, END = date(2026, 3, 1), date(2026, 3, 31)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("这件事归乡镇便民服务中心办理。", "elsewhere"),
        ("不属于本机关的职权范围。", "elsewhere"),
        ("店面布局图没有标出水池，不符合要求。", "premises"),
        ("缺租赁合同，三次告知后仍未补齐。", "materials"),
        ("申请人未满 80 周岁，不符合条件。", "condition"),
        ("提交的证明系伪造。", "untrue"),
        ("该店已领过许可证，重复申请。", "repeated"),
        ("别的。", "other"),
    ],
    ids=lambda value: value if value in KIND_WORDS else "",
)
def test_a_written_reason_is_counted_as_one_of_a_few_kinds(text, kind):
    assert reason_kind(text) == kind


@pytest.mark.django_db
@pytest.mark.capability("S4-13")
def test_each_item_shows_its_own_top_reasons():
    office = Office()
    at = moment(date(2026, 3, 10))
    version = office.versions[1]
    form, card, _shared = version.materials.all()
    for _n in range(2):
        case = cases.receive(
            version, office.applicant, center=office.center, materials={form.pk: Handed("complete")},
            by=office.clerk, at=at,
        )  # fmt: skip
    cases.note_materials(case.pk, {card.pk: Handed("complete")}, by=office.clerk, at=at)  # it came later
    case = office.accept(at)
    [task] = case.tasks.filter(kind="review")
    cases.complete_task(task.pk, outcome="rejected", opinion="王小明的材料不行", by=office.clerk, at=at)
    cases.decide(case.pk, outcome="refused", reasons="王小明不符合规定的条件。", by=office.approver, at=at)
    office.decline(at, version=3)
    office.finish(office.accept(at, version=3), at)

    found = failures(office.region.pk, START, END)
    of_first = [(one.stage, one.what, one.count) for one in found if one.item == version.item_id]
    assert of_first == [
        ("missing", "身份证", 2),
        ("refused", "条件不符合", 1),
        ("rejected", "审查", 1),
    ]
    of_third = [(one.stage, one.what, one.count) for one in found if one.item == office.versions[3].item_id]
    assert of_third == [("declined", "不归本机关办", 1)]
    assert "王小明" not in str(found)
    first, third = by_item(found, most=2)
    assert (first.item, first.count, len(first.top)) == (version.item_id, 4, 2)
    assert third.item == office.versions[3].item_id
    assert failures(office.region.pk, START, END, item=version.item_id) == [
        one for one in found if one.item == version.item_id
    ]


@pytest.mark.django_db
def test_only_cases_received_in_the_period_count():
    office = Office()
    office.decline(moment(date(2026, 3, 10)))
    assert not failures(office.region.pk, date(2026, 4, 1), date(2026, 4, 30))
    assert not failures(office.region.pk, START, END, departments=[office.departments[1].pk])
