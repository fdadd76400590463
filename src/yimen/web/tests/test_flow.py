"""The flow editor, the public process view, and files in and out."""

import base64
import io
import json
import zlib
from html import unescape
from itertools import pairwise

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from pypdf import PdfReader

from yimen.catalog import actions, bpmn, queries
from yimen.catalog.actions.scenario import save_questions
from yimen.catalog.models import FlowStep, ItemVersion
from yimen.catalog.rules.scenario import Option, Question
from yimen.catalog.tests.factories import make_draft, make_item, make_step
from yimen.catalog.tests.test_bpmn import document, flow
from yimen.ledger.actions import SYSTEM
from yimen.ledger.models import Event
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_center, make_department, make_region, make_staff
from yimen.web.tests.pages import Page
from yimen.web.workbench import flow as flow_page

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@pytest.fixture
def department():
    return make_department()


@pytest.fixture
def editor(client, department):
    client.force_login(make_staff(Role.EDITOR, department=department).user, backend=BACKEND)
    return client


def url(name, version):
    return reverse(f"workbench:catalog-flow{name}", args=[version.item_id])


def sent(response, **changes):
    """What the browser would send back from the editor, with `changes`."""
    form = next(form for form in Page(None, response).forms if form.action.endswith("/flow"))
    values = {}
    for name, value in form.fields:
        values.setdefault(name, []).append(value)
    return {name: value for name, value in values.items() if name not in changes} | changes


def press(client, version, button, response=None, **changes):
    response = response or client.get(url("", version))
    return client.post(url("", version), sent(response, do=button, **changes))


def packed(said):
    """What the page hides in `before`, made by somebody else."""
    return base64.b64encode(zlib.compress(json.dumps(said).encode())).decode()


def rows(response):
    return [row.step for row in response.context["desk"].rows]


def order(response):
    return {step.key: step.after for step in rows(response)}


def stored(version):
    return {step.key: step for step in ItemVersion.objects.get(pk=version.pk).steps.all()}


# Who may


@pytest.mark.parametrize("role", [*Role, None])
def test_the_editor_opens_for_its_roles_alone(client, role):
    version = make_draft()
    if role:
        staff = make_staff(role, department=version.item.department)
        client.force_login(staff.user, backend=BACKEND)
    expected = 302 if role is None else 200 if role in {Role.EDITOR, Role.PUBLISHER} else 403
    assert client.get(url("", version)).status_code == expected


def test_nobody_edits_flows_of_another_region(editor):
    other = make_draft(department=make_department(make_region("500001")))
    for name in ("", "-import", "-bpmn", "-svg", "-pdf"):
        assert editor.get(url(name, other)).status_code == 404
    assert editor.post(url("-preview", other)).status_code == 404


def test_a_publisher_looks_but_does_not_write(client):
    version = make_draft()
    client.force_login(make_staff(Role.PUBLISHER, department=version.item.department).user, backend=BACKEND)
    assert "存进草稿" not in client.get(url("", version)).content.decode()
    assert client.post(url("", version), {"do": "save", "count": "0"}).status_code == 403
    assert client.post(url("-import", version)).status_code == 403


# Editing


def test_a_step_added_beside_another_is_saved_with_everything_it_says(editor, department):
    version = make_draft(department=department)
    page = press(editor, version, "beside:review")
    assert order(page)["step-6"] == ("accept",) and order(page)["decide"] == ("review", "step-6")
    typed = {"s3-name": "消防审查", "s3-post": "消防岗", "s3-authority": "核查消防条件", "s3-limit": "4"}
    assert press(editor, version, "save", page, **typed).status_code == 302
    step = stored(version)["step-6"]
    assert (step.name, step.post, step.authority, step.limit_days, step.after) == (
        "消防审查", "消防岗", "核查消防条件", 4, ["accept"],
    )  # fmt: skip
    assert stored(version)["decide"].after == ["review", "step-6"]


@pytest.mark.capability("S1-23")
@pytest.mark.parametrize(("field", "word"), [("post", "岗位"), ("authority", "权限"), ("limit", "时限")])
def test_a_step_cannot_be_saved_without_post_authority_and_limit(editor, department, field, word):
    version = make_draft(department=department)
    page = editor.get(url("", version))
    refused = press(editor, version, "save", page, **{f"s2-{field}": "", "s0-name": "收件（改）"})
    assert refused.status_code == 422 and f"还没写{word}" in refused.content.decode()
    assert stored(version)["receive"].name == "收件", "nothing was written"
    assert rows(refused)[0].name == "收件（改）", "what was typed is still there"
    assert press(editor, version, "save", refused, **{f"s2-{field}": "3"}).status_code == 302
    assert stored(version)["receive"].name == "收件（改）"


def test_steps_move_and_go_and_one_step_back_undoes_it(editor, department):
    version = make_draft(department=department)
    moved = press(editor, version, "up:accept")
    assert [step.key for step in rows(moved)][:2] == ["accept", "receive"]
    assert order(moved)["receive"] == ("accept",) and order(moved)["accept"] == ()
    undone = press(editor, version, "undo", moved)
    assert order(undone) == order(editor.get(url("", version)))
    gone = press(editor, version, "remove:review", undone)
    assert order(gone)["decide"] == ("accept",) and "review" not in order(gone)
    again = press(editor, version, "undo", gone)
    assert order(again)["decide"] == ("review",) and rows(again)[2].authority == "办理本事项"
    assert set(stored(version)) == {"receive", "accept", "review", "decide", "deliver"}, "nothing was saved"


def test_every_change_can_be_undone_and_brought_back(editor, department):
    version = make_draft(department=department)
    pages = [editor.get(url("", version))]
    for button in ("up:accept", "beside:review", "remove:deliver", "add"):
        pages.append(press(editor, version, button, pages[-1]))
    states = [rows(page) for page in pages]
    assert all(one != other for one, other in pairwise(states))
    page = pages[-1]
    for state in reversed(states[:-1]):
        page = press(editor, version, "undo", page)
        assert rows(page) == state
    assert 'value="undo"' not in page.text and 'value="redo"' in page.text
    for state in states[1:]:
        page = press(editor, version, "redo", page)
        assert rows(page) == state
    page = press(editor, version, "down:accept", press(editor, version, "undo", page))
    assert 'value="redo"' not in page.text, "something else was done instead"
    assert len(stored(version)) == 5


@pytest.mark.parametrize("most", [{"MOST_UNDONE": 2}, {"MOST_HISTORY": 1_200}], ids=["changes", "length"])
def test_only_the_latest_changes_are_kept(editor, department, monkeypatch, most):
    for name, value in most.items():
        monkeypatch.setattr(flow_page, name, value)
    version = make_draft(department=department)
    page = editor.get(url("", version))
    for _n in range(3):
        page = press(editor, version, "add", page)
    assert len(page.context["desk"].past) == 2
    assert len(rows(press(editor, version, "undo", page))) == 7


def test_a_step_may_depend_on_an_answer(editor, department):
    version = make_draft(department=department)
    asked = Question("place", "店面多大？", (Option("small", "50 平方米以下"), Option("big", "更大")))
    save_questions(version.item, [asked], by=SYSTEM, at=NOW)
    page = editor.get(url("", version))
    assert "更大" in page.content.decode()
    assert press(editor, version, "save", page, **{"s2-when": ["place.big"]}).status_code == 302
    assert stored(version)["review"].when == ["place.big"]
    shown = unescape(editor.get(url("", version)).content.decode())
    assert "选了“更大”才有这一步。" in shown


def test_a_circle_is_told_and_not_saved(editor, department):
    version = make_draft(department=department)
    page = press(editor, version, "save", **{"s0-after": ["decide"]})
    assert page.status_code == 422 and "互相等着" in page.content.decode()
    assert page.context["chart"] is None


def test_the_preview_writes_nothing_and_says_how_long_it_takes(editor, department):
    version = make_draft(department=department, promised_days=9)
    before = Event.objects.count()
    page = editor.get(url("", version))
    answer = editor.post(url("-preview", version), sent(page, **{"s2-limit": "20", "s2-post": ""}))
    text = answer.content.decode()
    assert answer.status_code == 200 and "<svg" in text and "<html" not in text
    assert "流程比承诺慢" in text and "还没写岗位" in text
    assert answer.context["counted"] == 21 and answer.context["slowest"] == [1, 2, 3, 4]
    without_script = press(editor, version, "preview", page, **{"s2-limit": "20"})
    assert without_script.status_code == 200 and "流程比承诺慢" in without_script.content.decode()
    assert Event.objects.count() == before and stored(version)["review"].limit_days == 1


def test_a_limit_that_is_no_number_is_told_beside_the_step(editor, department):
    version = make_draft(department=department)
    page = press(editor, version, "save", **{"s2-limit": "三天"})
    assert page.status_code == 422 and "时限“三天”不是几个工作日" in page.content.decode()
    assert 'value="三天"' in page.content.decode()


def test_two_editors_do_not_overwrite_each_other(editor, department):
    version = make_draft(department=department)
    page = editor.get(url("", version))
    steps = [make_step("decide", name="决定（别人改的）")]
    actions.save_draft(version.item, {}, steps=steps, by=SYSTEM, at=NOW)
    refused = press(editor, version, "save", page, **{"s0-name": "我改的"})
    text = refused.content.decode()
    assert refused.status_code == 409 and "别人改过这一版" in text
    assert "决定（别人改的）" in text and 'value="我改的"' in text
    assert press(editor, version, "save", refused).status_code == 302, "having seen it, his stands"
    assert stored(version)["receive"].name == "我改的"


def test_saving_twice_is_saving_once(editor, department):
    version = make_draft(department=department)
    page = editor.get(url("", version))
    values = sent(page, do="save", **{"s0-name": "收件（改）"})
    assert [editor.post(url("", version), values).status_code for _n in range(2)] == [302, 302]
    saved = Event.objects.filter(kind="catalog.draft_saved", data__changed__has_key="steps")
    assert saved.filter(stream=f"item:{version.item_id}").count() == 2, "made with steps, then changed once"


@pytest.mark.parametrize(
    "body",
    [
        {"do": "up:gone"}, {"do": "undo", "before": "[[1]]"}, {"do": "undo", "before": "{"},
        {"do": "save", "count": "9" * 400},
        {"do": "beside:", "count": "2"}, {"do": "save", "count": "1", "s0-key": "x" * 5000, "s0-limit": "9" * 99},
        {"do": "save", "count": "-1"}, {"do": "preview", "questions": "[[1]]", "count": "1"},
        {"do": "undo", "before": packed([[json.dumps([["a" * 301, "", "", "", "", "", "", [], []]])], []])},
        {"count": "²"}, {"do": "redo", "before": packed([[], [7]])}, {"do": "undo", "before": packed([["[[1]]"], []])},
        {"do": "undo", "before": packed([[" " * 9_000_000], []])}, {"do": "redo", "before": packed("x")},
    ],
    ids=range(14),
)  # fmt: skip
def test_nonsense_is_answered_kindly(editor, department, body):
    version = make_draft(department=department)
    assert editor.post(url("", version), {"seen": "x"} | body).status_code in {200, 409, 422}
    assert len(stored(version)) == 5


def test_the_number_of_queries_does_not_grow_with_the_steps(editor, department, django_assert_max_num_queries):
    def count(steps):
        version = make_draft(department=department, steps=steps)
        with django_assert_max_num_queries(40) as context:
            editor.get(url("", version))
        return len(context)

    many = [make_step("decide")] + [make_step(f"s{n}", kind="deliver", after=["decide"]) for n in range(20)]
    count([make_step("decide")])
    assert count([make_step("decide")]) == count(many)


# Files


SIMPLE = (
    "<startEvent id='s'/><userTask id='a' name='受理'/><exclusiveGateway id='g' name='店面多大？'/>"
    "<userTask id='b' name='现场核查'/><exclusiveGateway id='m'/><userTask id='c' name='决定'/>"
    + flow("f1", "s", "a") + flow("f2", "a", "g") + flow("f3", "g", "b", name="更大")
    + flow("f4", "g", "m", name="小店") + flow("f5", "b", "m") + flow("f6", "m", "c")
)  # fmt: skip


def upload(client, version, content, name="演示.bpmn"):
    return client.post(url("-import", version), {"file": SimpleUploadedFile(name, content)})


def test_a_file_goes_into_the_editor_asks_for_what_it_lacks_and_becomes_the_draft(editor, department):
    version = make_draft(department=department)
    page = upload(editor, version, document(SIMPLE))
    text = page.content.decode()
    assert page.status_code == 200 and "收进 3 步，还没有保存" in text and "还没写岗位、权限、时限" in text
    assert set(stored(version)) == {"receive", "accept", "review", "decide", "deliver"}
    assert press(editor, version, "save", page).status_code == 422, "post, authority and limit are asked first"
    typed = {"fill-post": "审查岗", "fill-authority": "审查", "fill-limit": "2"}
    filled = press(editor, version, "fill", page, **typed)
    assert press(editor, version, "save", filled).status_code == 302
    steps = stored(version)
    assert list(steps) == ["a", "b", "c"] and steps["b"].when == ["g.o1"] and steps["c"].after == ["a", "b"]
    assert {step.limit_days for step in steps.values()} == {2}
    (question,) = version.questions.all()
    assert (question.key, question.text) == ("g", "店面多大？")
    assert [option.label for option in question.options.all()] == ["更大", "小店"]


def test_of_several_processes_one_is_chosen_on_the_page(editor, department):
    version = make_draft(department=department)
    content = document(SIMPLE + "</process><process id='p2' name='另一个'><task id='z' name='另办'/>")
    page = upload(editor, version, content)
    assert page.status_code == 422 and 'name="process" value="p2"' in page.text and "要收哪一个" in page.text
    chosen = {"file": SimpleUploadedFile("演示.bpmn", content), "process": "p2"}
    page = editor.post(url("-import", version), chosen)
    assert page.status_code == 200 and [step.name for step in rows(page)] == ["另办"]
    chosen = {"file": SimpleUploadedFile("演示.bpmn", content), "process": "gone"}
    assert "没有流程“gone”" in editor.post(url("-import", version), chosen).text


def test_questions_of_an_import_that_was_undone_are_not_kept(editor, department):
    version = make_draft(department=department)
    undone = press(editor, version, "undo", upload(editor, version, document(SIMPLE)))
    assert len(rows(undone)) == 5
    assert press(editor, version, "save", undone).status_code == 302
    assert not version.questions.exists()


def test_what_cannot_be_taken_is_listed_and_nothing_written(editor, department):
    version = make_draft(department=department)
    body = "<startEvent id='s'/><task id='a' name='受理'/><eventBasedGateway id='x' name='看哪件事'/>"
    body += flow("e", "s", "a") + flow("f", "a", "x")
    page = upload(editor, version, document(body))
    text = page.content.decode()
    assert page.status_code == 422 and "看哪件事" in text and "eventBasedGateway" in text and "先发生哪件事" in text
    assert len(stored(version)) == 5


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "空的"), (b"<html/>", "不是 BPMN"), (b'<!DOCTYPE x [<!ENTITY a "b">]><x/>', "DOCTYPE")],
    ids=["empty", "html", "entities"],
)  # fmt: skip
def test_a_file_that_is_none_is_refused_kindly(editor, department, content, words):
    page = upload(editor, make_draft(department=department), content)
    assert page.status_code == 422 and words in page.content.decode()
    assert editor.post(url("-import", make_draft(department=department))).status_code == 422


def test_a_flow_goes_out_as_bpmn_and_comes_back_the_same(editor, department):
    version = make_draft(department=department)
    content = editor.get(url("-bpmn", version)).content
    assert bpmn.read(io.BytesIO(content), "x").importable
    page = upload(editor, version, content)
    before = Event.objects.count()
    assert press(editor, version, "save", page).status_code == 302
    assert Event.objects.count() == before, "the same flow: nothing is recorded"


# The public


@pytest.mark.capability("S3-13")
def test_anybody_sees_each_steps_rule_and_limit(client, department):
    make_center(department.region)
    item = make_item(department=department)
    page = client.get(reverse("portal:flow", args=[item.task_code]))
    text = page.content.decode()
    for step in item.published.steps.all():
        assert step.name in text and step.post in text and step.authority in text
    assert text.count("1 个工作日") >= 2 and "当天" in text and 'role="img"' in text
    assert client.get(reverse("portal:flow_bpmn", args=[item.task_code])).status_code == 200


@pytest.mark.capability("S1-22")
def test_each_item_prints_a_chart_with_post_authority_step_and_limit(client, department):
    make_center(department.region)
    item = make_item(department=department, name="演示许可")
    pdf = client.get(reverse("portal:flow_pdf", args=[item.task_code]))
    assert pdf["Content-Type"] == "application/pdf"
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf.content)).pages).replace("\n", "")
    for step in item.published.steps.all():
        assert step.name in text and step.post in text and step.authority in text
    assert "1 个工作日" in text and "当天" in text and "演示许可" in text
    svg = client.get(reverse("portal:flow_svg", args=[item.task_code]))
    assert svg["Content-Type"] == "image/svg+xml" and "审批岗" in svg.content.decode()


def test_a_draft_is_not_shown_to_the_public(client, department):
    make_center(department.region)
    version = make_draft(department=department)
    for name in ("flow", "flow_pdf", "flow_svg", "flow_bpmn"):
        assert client.get(reverse(f"portal:{name}", args=[version.item.task_code])).status_code == 404


def test_an_item_without_steps_says_so(client, department):
    make_center(department.region)
    item = make_item(department=department)
    FlowStep.objects.filter(version=item.published).delete()
    page = client.get(reverse("portal:flow", args=[item.task_code]))
    assert page.status_code == 200 and "收件、受理" in page.content.decode()
    assert queries.working_edition(item)
