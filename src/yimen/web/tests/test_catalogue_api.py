"""The catalogue as linked data over the API."""

import json

import pytest

from yimen.catalog.tests.factories import make_draft, make_item
from yimen.people.tests.factories import make_center, make_department

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/catalogue.jsonld"


def services(response):
    data = json.loads(b"".join(response.streaming_content))
    return [node["identifier"] for node in data["@graph"] if node["type"] == "PublicService"]


def test_what_is_published_is_given_page_by_page_and_drafts_are_not(client):
    center = make_center()
    department = make_department(center.region)
    codes = {make_item(department=department).task_code for _n in range(3)}
    make_draft(department=department)
    found = []
    address = f"{ADDRESS}?limit=2"
    while address:
        response = client.get(address)
        assert response.status_code == 200 and response["Content-Type"].startswith("application/ld+json")
        found += services(response)
        link = response.headers.get("Link", "")
        address = link[1 : link.index(">")].removeprefix("http://testserver") if link else ""
    assert len(found) == 3 and set(found) == codes


@pytest.mark.parametrize("query", ["limit=0", "limit=1000", "after=x"])
def test_what_is_no_page_is_422(client, query):
    make_center()
    assert client.get(f"{ADDRESS}?{query}").status_code == 422


def test_before_there_is_a_centre_there_is_nothing(client):
    assert client.get(ADDRESS).status_code == 404
