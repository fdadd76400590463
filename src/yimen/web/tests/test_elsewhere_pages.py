"""Taking papers in for another region over HTTP, and what both places and the citizen read about it (HALL-17)."""

import re
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from yimen.cases.models import Case
from yimen.cases.tests.factories import make_version
from yimen.catalog.models import ItemMaterial, ScenarioOption, ScenarioQuestion
from yimen.people.models import Role
from yimen.people.tests.factories import (
    make_center,
    make_department,
    make_region,
    make_staff,
    phone_number,
    resident_id,
)
from yimen.web.portal.cases import _OPENED

pytestmark = pytest.mark.django_db


def plain(answer):
    return re.sub(r"<[^>]+>", "", answer.content.decode())


@pytest.mark.parametrize("scope", ["跨省", ""])
def test_a_clerk_takes_papers_in_for_another_region_and_all_read_who_clocks_what(client, scope):
    unit = make_department()
    make_center(unit.region)
    version = make_version(department=unit, universal_scope=scope)
    there = make_department(make_region("510100", "演示邻市"))
    clerk = make_staff(Role.CLERK, department=there, for_region=True)
    client.force_login(clerk.user)
    listed = plain(client.get(reverse("workbench:elsewhere"), {"q": version.item.name}))
    assert (unit.name in listed) is bool(scope)
    address = reverse("workbench:elsewhere-receive", args=[version.item_id])
    fields = {"kind": "person", "name": "林小满", "id_number": resident_id(3), "phone": phone_number(3)}
    fields |= {f"state-{material.pk}": "complete" for material in version.materials.exclude(source="shared")}
    answer = client.post(address, fields | {"_key": str(uuid4())})
    assert answer.status_code == (303 if scope else 404)
    assert Case.objects.exists() is bool(scope)
    if not scope:
        return
    case = Case.objects.get()
    words = f"时限都由{unit.name}计算"
    assert words in plain(client.get(reverse("workbench:case", args=[case.query_no])))
    ours = make_staff(Role.CLERK, department=make_department(unit.region), for_region=True)
    client.force_login(ours.user)
    assert "演示邻市" in plain(client.get(reverse("workbench:case", args=[case.query_no])))
    session = client.session
    session[_OPENED] = {case.query_no: [str(case.pk), timezone.now().timestamp() + 600]}
    session.save()
    assert "材料由演示邻市代收" in plain(client.get(reverse("portal:case", args=[case.query_no])))


def test_the_questions_come_first_and_decide_which_papers_are_taken_in(client):
    unit = make_department()
    make_center(unit.region)
    version = make_version(department=unit, universal_scope="跨省")
    question = ScenarioQuestion.objects.create(version=version, position=1, key="who", text="谁来办？")
    for position, key in enumerate(("self", "other"), 1):
        ScenarioOption.objects.create(question=question, position=position, key=key, label=key)
    letter = ItemMaterial.objects.create(version=version, position=9, name="授权委托书", when=["who.other"])
    clerk = make_staff(Role.CLERK, department=make_department(make_region("510100", "演示邻市")), for_region=True)
    client.force_login(clerk.user)
    address = reverse("workbench:elsewhere-item", args=[version.item_id])
    first = client.get(address).content.decode()
    assert "谁来办？" in first and 'name="id_number"' not in first
    alone, agent = (
        client.get(address, {"a-who": f"who.{key}", "go": "1"}).content.decode() for key in ("self", "other")
    )
    assert 'name="id_number"' in alone and "授权委托书" not in alone and "授权委托书" in agent
    fields = {
        "kind": "person",
        "name": "林小满",
        "id_number": resident_id(3),
        "phone": phone_number(3),
        "a": "who.other",
    }
    fields |= {f"state-{letter.pk}": "complete", "_key": str(uuid4())}
    assert client.post(reverse("workbench:elsewhere-receive", args=[version.item_id]), fields).status_code == 303
    case = Case.objects.get()
    assert case.chosen == ["who.other"] and case.materials.get(material=letter).state == "complete"
