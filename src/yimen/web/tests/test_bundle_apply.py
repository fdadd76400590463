"""一件事 on line as a browser without script meets it, and a whole one in a real browser on a phone."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from yimen.cases.models import ApplicationDraft, BundleCase, Upload
from yimen.cases.tests.test_applying import a_file, phone_number, resident_id, sign_up
from yimen.cases.tests.test_bundle_applying import Farm
from yimen.lib.tests import files
from yimen.people.tests.factories import NOW
from yimen.testing import needs_chromium
from yimen.web.tests.test_apply_browser import Phone
from yimen.web.tests.test_hall_browser import browser, stage  # noqa: F401 - fixtures

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@pytest.fixture(autouse=True)
def store(settings, tmp_path):
    settings.UPLOADS = tmp_path / "uploads"


def citizen(n: int) -> Client:
    client = Client()
    client.force_login(sign_up(n).user, backend=BACKEND)
    return client


@pytest.mark.django_db
def test_without_script_from_the_bundles_page_to_one_receipt(monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    farm = Farm()
    me, other = citizen(1), citizen(2)
    assert "/bundles/farm/apply" in me.get("/bundles/farm").content.decode()
    assert Client().get("/bundles/farm/apply").status_code == 302  # to the login
    assert me.get("/bundles/none/apply").status_code == 404
    assert me.get("/bundles/farm/apply").status_code == 200
    begun = [me.post("/bundles/farm/apply", {"_key": "one", "k": "sign"}) for _ in range(2)]
    assert [one.status_code for one in begun] == [303, 303]
    draft = ApplicationDraft.objects.get()
    base = f"/my/drafts/{draft.pk}"
    assert begun[0].url == f"{base}/questions"
    assert "开养殖场" in me.get("/my").content.decode()
    assert other.get(f"{base}/questions").status_code == 404
    page = me.get(f"{base}/questions").content.decode()
    assert "要亮灯吗？" in page and 'name="a-sign~lit"' in page
    unanswered = me.post(f"{base}/questions", {"edition": "1", "a": "item~sign", "to": "next"})
    assert unanswered.status_code == 422
    said = {"edition": "1", "a": "item~sign", "a-sign~lit": "sign~lit.no", "to": "next"}
    assert me.post(f"{base}/questions", said).url == f"{base}/forms"
    assert me.post(f"{base}/forms", {"edition": "2", "to": "next"}).status_code == 422  # the shop's name is missing
    assert me.post(f"{base}/forms", {"edition": "2", "f-shop": "一只羊", "to": "next"}).url == f"{base}/materials"
    assert me.post(f"{base}/materials", {"edition": "3", "to": "next"}).status_code == 422
    card = farm.land.materials.get(name="身份证")
    strange = me.post(f"{base}/files", {"material": str(draft.pk), "file": a_file()})
    assert strange.status_code == 404
    assert me.post(f"{base}/files", {"material": str(card.pk), "file": a_file()}).url == f"{base}/materials"
    assert Upload.objects.filter(draft=draft, material=card).count() == 1
    assert me.post(f"{base}/materials", {"edition": "3", "to": "next"}).url == f"{base}/check"
    check = me.get(f"{base}/check").content.decode()
    assert "不用带：“用地备案”办好了" in check and "一只羊" in check
    assert other.post(f"{base}/submit", {"_key": "two", "edition": "3"}).status_code == 404
    assert me.post(f"{base}/submit", {"_key": "zero", "edition": "1"}).status_code in {409, 422}
    assert not BundleCase.objects.exists()
    sent = [me.post(f"{base}/submit", {"_key": "three", "edition": "3"}) for _ in range(2)]
    made = BundleCase.objects.get()
    assert [one.url for one in sent] == [f"/bundle-cases/{made.query_no}"] * 2
    told = me.get(sent[0].url).content.decode()
    assert "办完 0 / 3" in told and "还没轮到" in told
    assert me.get(f"/bundle-cases/{made.query_no}/receipt").headers["Content-Type"] == "application/pdf"
    assert other.get(sent[0].url).status_code == 302
    assert me.get(f"{base}/check").url == f"/bundle-cases/{made.query_no}"
    assert made.query_no in me.get("/my").content.decode()


@pytest.fixture
def farm():
    """Made before the browser starts: afterwards this thread has an event loop and may not ask the database."""
    return Farm()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@needs_chromium
@pytest.mark.capability("S3-22")
def test_a_whole_bundle_on_a_phone(stage, farm, browser, tmp_path):  # noqa: F811
    phone = Phone(browser)
    page = phone.page
    page.goto(f"{stage.address}/my/sign-up")
    for name, value in {
        "name": "丰年", "id_number": resident_id(91), "phone": phone_number(91), "username": "fengnian",
        "password": "four plain words",
    }.items():  # fmt: skip
        page.fill(f"[name={name}]", value)
    phone.press("注册")
    page.wait_for_url(f"{stage.address}/my")
    page.goto(f"{stage.address}/bundles")
    page.get_by_role("link", name="开养殖场").click()
    page.wait_for_url("**/bundles/farm")
    phone.look("bundle")
    page.get_by_role("link", name="网上一起办").click()
    page.wait_for_url("**/bundles/farm/apply*")
    page.get_by_label("招牌").check()
    phone.look("bundle-start")
    phone.press("开始")
    page.wait_for_url("**/questions")
    page.get_by_label("不要", exact=True).check()
    page.get_by_text("存好了").wait_for()
    phone.look("bundle-questions")
    phone.press("下一步")
    page.wait_for_url("**/forms")
    page.fill("[name=f-shop]", "一只羊")
    page.get_by_text("存好了").wait_for()
    phone.press("下一步")
    page.wait_for_url("**/materials")
    picture = tmp_path / "身份证.jpg"
    picture.write_bytes(files.picture(size=(900, 600)))
    page.locator("li", has_text="身份证").locator("input[type=file]").set_input_files(picture)
    phone.press("传上去")
    page.get_by_role("link", name="身份证.jpg").wait_for()
    phone.look("bundle-materials")
    phone.press("下一步")
    page.wait_for_url("**/check")
    phone.look("bundle-check")
    phone.press("交上去")
    page.wait_for_url("**/bundle-cases/**")
    page.get_by_text("办完 0 / 3").wait_for()
    phone.look("bundle-case")
    page.get_by_role("link", name="我的", exact=True).first.click()
    page.wait_for_url(f"{stage.address}/my")
    page.locator("#bundles").get_by_role("link", name="开养殖场").wait_for()
    phone.look("bundle-my")
    assert phone.errors == []
