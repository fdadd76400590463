"""A place's own words on its documents: what they may say, who approves them, and that nothing issued changes."""

import io
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils.timezone import localdate
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from yimen.cases import documents
from yimen.cases.actions import templates
from yimen.cases.documents import wording
from yimen.cases.models import Notice, NoticeTemplate
from yimen.cases.tests.factories import make_case, make_version
from yimen.lib import pdf
from yimen.people.access import NotAllowed
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_region, make_staff

TOMORROW = localdate(NOW) + timedelta(days=1)
NEXT = NOW + timedelta(days=1)
OWN = {"opening": ["{center}欢迎您。"], "contact": "有疑问打 {phone}，{hours}"}


def text_of(made):
    return "".join("".join(page.extract_text() for page in PdfReader(io.BytesIO(made)).pages).split())


def save(parts=OWN, *, kind=Notice.Kind.RECEIPT, by=None, effective_on=TOMORROW, at=NOW, **more):
    writer = by or make_staff(Role.EDITOR, for_region=True)
    return templates.save_template(writer.region, kind, parts, effective_on=effective_on, by=writer, at=at, **more)


def approved(parts=OWN, **more):
    return templates.approve_template(save(parts, **more).pk, by=make_staff(Role.LEADER, for_region=True), at=NOW)


@pytest.mark.django_db
def test_words_count_from_their_day_on_and_what_was_issued_stays():
    version = make_version()
    before = make_case(version=version).notices.get()
    was = documents.render(before)
    edition = approved()
    same_day = make_case(version=version, at=NOW + timedelta(hours=1)).notices.get()
    after = make_case(version=version, at=NEXT).notices.get()
    approved({"opening": ["再改一次。"]}, effective_on=TOMORROW + timedelta(days=1))
    center = after.case.center
    assert f"{center.name}欢迎您。".replace(" ", "") in text_of(documents.render(after))
    assert f"有疑问打{center.phone}，" in text_of(documents.render(after))
    assert "欢迎您" not in text_of(documents.render(same_day))
    assert documents.render(before) == was
    assert [one.template for one in (before, same_day, after)] == [None, None, edition]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "parts, said",
    [
        ({"contact": "有事打电话"}, "{phone}"),
        ({"query": "请上网查。"}, "{site}"),
        ({"contact": "{organ} {telephone} {phone}"}, "{telephone}"),
        ({"contact": ""}, "空"),
        ({"seal": "{organ}章"}, "占位符"),
        ({"opening": ["一", "二", "三", "四"]}, "3"),
        ({"closing": ["不服可以申请行政复议。"]}, "行政复议"),
        ({"opening": ["祝好😀"]}, "😀"),
        ({"opening": ["{"]}, "花括号"),
        ({"opening": ["{phone!r}"]}, "花括号"),
        ({"opening": ["长" * 201]}, "200"),
        ({"body": "另写"}, "body"),
    ],
)
def test_words_that_may_not_stand_on_a_document_are_not_kept(parts, said):
    with pytest.raises(templates.WordsRefused) as refused:
        save(parts)
    assert said in str(refused.value)
    assert not NoticeTemplate.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("role, is_allowed", [(Role.EDITOR, True), (Role.LEADER, False), (Role.CLERK, False)])
def test_only_an_editor_writes_words(role, is_allowed):
    person = make_staff(role, for_region=True)
    if is_allowed:
        assert not save(by=person).is_approved
    else:
        with pytest.raises(NotAllowed):
            save(by=person)


@pytest.mark.django_db
@pytest.mark.parametrize("roles, is_allowed", [((Role.PUBLISHER,), True), ((Role.CLERK,), False)])
def test_another_hand_with_the_right_approves(roles, is_allowed):
    draft = save()
    other = make_staff(*roles, for_region=True)
    if is_allowed:
        assert templates.approve_template(draft.pk, by=other, at=NOW).is_approved
    else:
        with pytest.raises(NotAllowed):
            templates.approve_template(draft.pk, by=other, at=NOW)


@pytest.mark.django_db
def test_nobody_approves_his_own_words_nor_an_approved_edition_again():
    both = make_staff(Role.EDITOR, Role.PUBLISHER, for_region=True)
    draft = save(by=both)
    with pytest.raises(templates.NotYourOwn):
        templates.approve_template(draft.pk, by=both, at=NOW)
    leader = make_staff(Role.LEADER, for_region=True)
    templates.approve_template(draft.pk, by=leader, at=NOW)
    with pytest.raises(templates.NoDraft):
        templates.approve_template(draft.pk, by=leader, at=NOW)
    with pytest.raises(templates.NoDraft):
        templates.drop_template(draft.pk, by=leader, at=NOW)


@pytest.mark.django_db
@pytest.mark.parametrize("days, is_allowed", [(1, True), (0, False), (-1, False)])
def test_words_count_from_tomorrow_at_the_earliest(days, is_allowed):
    day = localdate(NOW) + timedelta(days=days)
    if is_allowed:
        assert save(effective_on=day).effective_on == day
    else:
        with pytest.raises(templates.WrongDay):
            save(effective_on=day)


@pytest.mark.django_db
def test_an_approval_that_comes_late_does_not_count_for_the_past():
    late = NOW + timedelta(days=5)
    edition = templates.approve_template(save().pk, by=make_staff(Role.LEADER, for_region=True), at=late)
    assert edition.effective_on == localdate(late) + timedelta(days=1)


@pytest.mark.django_db
def test_a_draft_is_written_over_and_an_approved_edition_is_followed():
    editor = make_staff(Role.EDITOR, for_region=True)
    first = save(by=editor)
    assert save({"opening": ["您好。"]}, by=editor).pk == first.pk
    templates.approve_template(first.pk, by=make_staff(Role.LEADER, for_region=True), at=NOW)
    assert save(by=editor).number == 2
    assert wording.in_force(make_region().pk, Notice.Kind.RECEIPT, TOMORROW) == first


@pytest.mark.django_db
def test_what_is_as_the_standard_says_is_not_kept():
    assert save(wording.standard(Notice.Kind.RECEIPT) | {"opening": ["您好。"]}).parts == {"opening": ["您好。"]}


@pytest.mark.django_db(transaction=True)
def test_two_editors_at_once_leave_one_draft():
    editors = [make_staff(Role.EDITOR, for_region=True) for _ in range(4)]
    wrong = []

    def work(editor):
        try:
            save({"opening": [f"您好，{editor.number}。"]}, by=editor)
        except Exception as error:
            wrong.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(editor,)) for editor in editors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert NoticeTemplate.objects.count() == 1


NAMES = st.sampled_from([*wording.PLACEHOLDERS, "no_such", "", "a b"])
TEXTS = st.lists(st.one_of(st.text(alphabet="您好{}：，abc", max_size=8), NAMES.map(lambda n: f"{{{n}}}")), max_size=6)


@given(TEXTS.map("".join))
def test_words_without_findings_can_always_be_filled(text):
    parts = {"opening": [text]}
    values = dict.fromkeys(wording.PLACEHOLDERS, "有")
    if not wording.findings(parts, can_print=pdf.missing_characters):
        assert "{" not in wording.filled(parts, values)["opening"][0]


@pytest.mark.parametrize("kind", sorted(Notice.Kind.values))
def test_the_standard_has_no_findings(kind):
    assert wording.findings(wording.standard(kind), can_print=pdf.missing_characters) == []


@pytest.mark.parametrize(
    "text, missing",
    [
        ("林小满", []),
        ("王\U000241fe", []),
        ("李\U00020bb7\U00020bb7张😀", ["\U00020bb7", "😀"]),
        ("甲 \n乙\u200b", []),
    ],
    ids=["common", "rare but there", "missing", "spaces"],
)
def test_characters_the_fonts_lack_are_named_before_anything_is_printed(text, missing):
    assert pdf.missing_characters(text) == missing
