"""Lists in and out in the browser, for those they are for."""

import io
import json
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from yimen.catalog.models import ItemVersion, ServiceItem
from yimen.catalog.tests.factories import make_item, task_code
from yimen.exchange.models import WaitingImport
from yimen.ledger.models import Event
from yimen.people.models import Role
from yimen.people.tests.factories import make_department, make_staff

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
HEAD = "实施编码,事项名称,事项类型,实施主体,承诺时限\n"


@pytest.fixture
def department():
    return make_department(name="演示局")


@pytest.fixture
def enter(client):
    def enter(staff):
        client.force_login(staff.user, backend=BACKEND)
        return client

    return enter


def url(name, *args):
    return reverse(f"workbench:{name}", args=args)


def row(n, **cells):
    said = {
        "code": task_code(70000 + n),
        "name": f"清单事项{n}",
        "type": "公共服务",
        "dept": "演示局",
        "limit": "5个工作日",
    }
    return ",".join((said | cells).values()) + "\n"


def upload(client, text, name="list.csv", mode="draft", **fields):
    file = SimpleUploadedFile(name, text.encode() if isinstance(text, str) else text)
    return client.post(url("import-bring"), {"file": file, "mode": mode, "department": "", "source": "", **fields})


def take(client, key="k" * 10, **fields):
    waiting = WaitingImport.objects.order_by("-sent_at").first()
    seen = client.get(url("import", waiting.pk)).context["seen"]
    return client.post(url("import-take", waiting.pk), {"_key": key, "seen": seen, **fields})


@pytest.mark.parametrize("role", [*Role, None])
def test_only_those_who_may_import_see_the_page(enter, role, department):
    staff = make_staff(role, department=department) if role else make_staff(department=department)
    client = enter(staff)
    wanted = 200 if role in {Role.EDITOR, Role.SYSTEM_ADMIN} else 403
    assert client.get(url("imports")).status_code == wanted
    assert upload(client, HEAD + row(1)).status_code == (302 if wanted == 200 else 403)
    assert WaitingImport.objects.exists() is (wanted == 200)


def test_a_list_is_checked_then_taken_once_as_drafts(enter, department):
    client = enter(make_staff(Role.EDITOR, department=department, for_region=True))
    response = upload(client, HEAD + row(1) + row(2))
    page = client.get(response["Location"])
    assert page.context["report"]["taken"] == 2 and page.context["waiting"].mapping["承诺时限"] == "promised_limit"
    assert not ServiceItem.objects.exists()

    assert take(client).status_code == 303
    assert ItemVersion.objects.filter(state="draft", promised_limit=5).count() == 2
    assert not ServiceItem.objects.filter(published__isnull=False).exists()
    waiting = WaitingImport.objects.get()
    assert waiting.taken_at and bytes(waiting.content) == b""

    colleague = make_staff(Role.EDITOR, department=department, for_region=True)
    response = take(enter(colleague), key="another-key")
    assert response.status_code == 409 and "已经收过" in response.content.decode()
    assert ServiceItem.objects.count() == 2


def test_one_bad_row_keeps_everything_out_until_it_is_skipped(enter, department):
    client = enter(make_staff(Role.EDITOR, department=department, for_region=True))
    location = upload(client, HEAD + row(1) + row(2, limit="很快") + row(3, dept="没有的局"))["Location"]
    page = client.get(location)
    shown = page.content.decode()
    assert page.context["report"]["refused"] == 2
    assert "承诺时限" in shown and "很快" in shown and "不是时限" in shown and "没有的局" in shown
    errors = client.get(url("import-errors", WaitingImport.objects.get().pk)).content.decode()
    assert errors.count("\n") == 3 and "很快" in errors

    response = take(client)
    assert response.status_code == 409 and "一行也没有收" in response.content.decode()
    assert not ServiceItem.objects.exists()
    assert take(client, key="second-key", skip_bad="1").status_code == 303
    assert [item.name for item in ServiceItem.objects.all()] == ["清单事项1"]


def test_columns_that_are_not_known_are_chosen_by_hand(enter, department):
    client = enter(make_staff(Role.EDITOR, department=department, for_region=True))
    text = "甲,乙,丙,丁\n" + row(1).rsplit(",", 1)[0] + "\n"
    location = upload(client, text)["Location"]
    assert "请在下面选出来" in client.get(location).content.decode()
    pk = WaitingImport.objects.get().pk
    chosen = {"column-0": "task_code", "column-1": "name", "column-2": "item_type", "column-3": "department"}
    stale = client.get(location).context["seen"]
    said = {"_key": "check-key-1", "mode": "draft", "department": "", "source": "", **chosen}
    assert client.post(url("import-check", pk), said).status_code == 303
    assert client.get(location).context["report"]["taken"] == 1
    response = client.post(url("import-take", pk), {"_key": "take-key-1", "seen": stale})
    assert response.status_code == 409 and "换了对应" in response.content.decode()
    assert take(client, key="take-key-2").status_code == 303


@pytest.mark.parametrize(
    "name, content, word",
    [
        ("list.csv", b"", "空"),
        ("list.xlsx", b"PK\x03\x04 broken", "xlsx"),
        ("list.xls", b"\xd0\xcf\x11\xe0" + b"\0" * 50, "另存为"),
        ("picture.csv", bytes(range(256)) * 20, "文字"),
        ("list.jsonl", b"[1]\n", "花括号"),
    ],
)
def test_what_is_no_list_is_refused_with_a_sentence(enter, department, name, content, word):
    client = enter(make_staff(Role.EDITOR, department=department, for_region=True))
    response = upload(client, content, name=name)
    assert response.status_code == 422 and word in response.content.decode()
    assert not WaitingImport.objects.exists()


def test_a_list_of_another_region_is_not_there(enter, department):
    upload(enter(make_staff(Role.EDITOR, department=department, for_region=True)), HEAD + row(1))
    pk = WaitingImport.objects.get().pk
    from yimen.people.tests.factories import make_region

    elsewhere = make_department(make_region("990001", "别处"))
    client = enter(make_staff(Role.EDITOR, department=elsewhere, for_region=True))
    for name in ("import", "import-errors"):
        assert client.get(url(name, pk)).status_code == 404
    for name in ("import-take", "import-drop", "import-check"):
        assert client.post(url(name, pk), {"_key": f"{name}-key"}).status_code == 404


def test_a_file_can_be_put_away_and_is_gone(enter, department):
    client = enter(make_staff(Role.EDITOR, department=department, for_region=True))
    upload(client, HEAD + row(1))
    waiting = WaitingImport.objects.get()
    assert client.post(url("import-drop", waiting.pk), {"_key": "drop-key-1"}).status_code == 303
    waiting.refresh_from_db()
    assert waiting.dropped_at and bytes(waiting.content) == b""
    assert take(client).status_code == 409


def test_an_editor_alone_publishes_nothing_of_a_list(enter, department):
    client = enter(make_staff(Role.EDITOR, department=department, for_region=True))
    assert upload(client, HEAD + row(1), mode="source").status_code == 422
    both = make_staff(Role.EDITOR, Role.PUBLISHER, department=department, for_region=True)
    client = enter(both)
    assert upload(client, HEAD + row(1), mode="source", source="别处的清单").status_code == 302
    assert take(client).status_code == 303
    assert ServiceItem.objects.get().source == "别处的清单" and ServiceItem.objects.get().published_id


@pytest.mark.parametrize("form", ["xlsx", "csv", "jsonl", "jsonld", "upspec"])
def test_the_catalogue_comes_out_and_the_ledger_knows_who_took_it(enter, department, form):
    item = make_item(department=department, name="食品经营许可（演示）")
    client = enter(make_staff(Role.EDITOR, department=department, for_region=True))
    response = client.get(url("items-export"), {"format": form})
    content = b"".join(response.streaming_content)
    assert response.status_code == 200 and "attachment" in response["Content-Disposition"]
    if form in {"xlsx", "upspec"}:
        packed = zipfile.ZipFile(io.BytesIO(content))
        member = "xl/worksheets/sheet1.xml" if form == "xlsx" else "up_task_general_basic.csv"
        content = packed.read(member)
    assert item.name in content.decode()
    if form == "jsonld":
        assert json.loads(content)["@graph"]
    assert Event.objects.get(kind="catalog.exported").data["format"] == form


def test_only_one_department_and_only_those_who_may(enter, department):
    make_item(department=department, name="本部门的事项")
    other = make_item(department=make_department(department.region, name="别的局"), name="别人的事项")
    client = enter(make_staff(Role.EDITOR, department=department, for_region=True))
    response = client.get(url("items-export"), {"format": "csv", "department": str(other.department_id)})
    said = b"".join(response.streaming_content).decode()
    assert "别人的事项" in said and "本部门的事项" not in said
    assert client.get(url("items-export"), {"format": "exe"}).status_code == 404
    assert client.get(url("items-export"), {"department": "x"}).status_code == 404
    assert enter(make_staff(Role.CLERK, department=department)).get(url("items-export")).status_code == 403
