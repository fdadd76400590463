"""What the frame of the workbench leads to opens: no door and no tab is shown to those it is closed to."""

import pytest
from django.test import Client
from django.urls import reverse

from yimen.catalog import actions
from yimen.catalog.tests.factories import make_draft
from yimen.ledger.actions import SYSTEM
from yimen.people.models import Role
from yimen.people.tests.factories import NOW, make_center, make_department, make_staff
from yimen.web.templatetags.workbench import TABS, doors_for
from yimen.web.tests.pages import Page

pytestmark = pytest.mark.django_db
TAB_NAMES = [door.name for tabs in TABS.values() for door in tabs]


def client_of(staff) -> Client:
    client = Client()
    client.force_login(staff.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.mark.parametrize("role", list(Role))
def test_every_door_and_every_tab_opens_for_who_sees_it(role):
    make_center()
    staff = make_staff(role, for_region=True)
    client = client_of(staff)
    todo, seen = {url for url, _word in doors_for(staff)}, set()
    while todo:
        url = todo.pop()
        seen.add(url)
        page = Page.open(client, url)
        assert page.status == 200, url
        shown = {address for address, _word in page.links} & {reverse(name) for name in TAB_NAMES}
        todo |= shown - seen


@pytest.mark.parametrize("role", [Role.APPROVER, Role.LEADER, Role.PUBLISHER, Role.EDITOR])
def test_every_link_of_an_items_page_opens_for_who_sees_it(role):
    department = make_department()
    version = make_draft(department=department)
    actions.publish(version, by=SYSTEM, at=NOW)
    client = client_of(make_staff(role, department=department))
    page = Page.open(client, reverse("workbench:item", args=[version.item_id]))
    inside = {address for address, _word in page.links if address.startswith("/workbench")}
    assert {address for address in inside if client.get(address).status_code != 200} == set()


def test_who_keeps_the_code_lists_finds_them_and_the_lists_to_bring_in():
    make_center()
    client = client_of(make_staff(Role.SYSTEM_ADMIN, for_region=True))
    page = Page.open(client, "/workbench/").follow("代码表")
    assert page.follow("导入导出").status == 200
    assert "改或加" in page.text


@pytest.mark.parametrize(
    "address, door",
    [("basics", "事项"), ("words", "事项"), ("plain", "事项"), ("reform", "质量"), ("organisation", "进驻")],
)
def test_a_page_that_belongs_to_a_door_marks_it(address, door):
    make_center()
    client = client_of(make_staff(Role.EDITOR, for_region=True))
    text = client.get(f"/workbench/{address}").content.decode()
    assert f'aria-current="page">{door}</a>' in text.split("</header>")[0]
