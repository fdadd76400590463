"""Making the demo centre through the real actions: places, people, items, the hall."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils.timezone import localdate
from stdnum.cn import uscc

from yimen.catalog import actions as catalog
from yimen.catalog.models import ItemType, ItemVersion
from yimen.demo import (
    catalogue,
    centre,
    citizens,
    desks,
    documents,
    handling,
    hours,
    kiosks,
    leaflets,
    powers,
    reform,
    registers,
    scenario,
    screens,
    systems,
    visits,
    words,
)
from yimen.hall import setup
from yimen.ledger.actions import SYSTEM
from yimen.people import actions as people
from yimen.people.models import Department, Post, Region, ServiceCenter, Staff, User


def exists() -> bool:
    return Region.objects.filter(pk=centre.REGION[0]).exists()


@transaction.atomic
def build(at: datetime) -> None:
    """Make the whole centre as of `at`, or nothing of it."""
    region = people.open_region(*centre.REGION, by=SYSTEM, at=at)
    details: dict[str, Any] = {**centre.CENTER}
    center = people.open_center(region=region, is_demo=True, by=SYSTEM, at=at, **details)
    organs = {
        organ.code: people.open_department(
            region=region,
            code=organ.code,
            name=organ.name,
            short_name=organ.short_name,
            uscc=_credit_code(n),
            phone=f"0899-12345{n:02d}",
            is_resident=True,
            by=SYSTEM,
            at=at,
        )
        for n, organ in enumerate(centre.ORGANS, start=1)
    }
    leaflets.begin(region, center, organs.values(), at)
    staff = {
        person.username: _person(person, n, region, center, organs[person.organ], at)
        for n, person in enumerate(centre.PEOPLE, start=1)
    }
    # All have the one password that is printed: hashing it once saves a second of the first start.
    User.objects.filter(staff__in=staff.values()).update(password=make_password(centre.PASSWORD))
    powers.begin(region, organs, staff, powers.needed_for(centre.ITEMS, organs), at)
    versions = [_item(item, region, center, organs, staff, at + timedelta(minutes=1)) for item in centre.ITEMS]

    code, name = centre.HALL
    hall = setup.open_hall(center, code=code, name=name, by=SYSTEM, at=at)
    series = {
        letter: setup.open_series(hall, letter=letter, name=title, zone=zone, by=SYSTEM, at=at)
        for letter, title, zone in centre.SERIES
    }
    for letter, one in series.items():
        taken = [version.item for item, version in zip(centre.ITEMS, versions, strict=True) if item.series == letter]
        setup.set_items_of_series(one.pk, taken, by=SYSTEM, at=at)
    for number, title, letters in centre.WINDOWS:
        calls = [series[letter] for letter in letters]
        setup.open_window(hall, number=number, name=title, series=calls, by=SYSTEM, at=at)
    leaflets.build(region, staff, [version.item for version in versions], at)
    powers.build(region, center, organs, staff, [version.item for version in versions], at)
    reform.build(center, organs, staff, versions, at)
    catalogue.build(region, organs, staff, at)
    words.build(region.pk, by=staff["editor"], at=at)
    desks.build(staff, at)
    kiosks.build(hall, staff, at)
    documents.build(organs.values(), staff, at)
    systems.build(staff, at)
    screens.build(hall, organs, at)
    hours.build(hall, at)
    registers.build(at)


def _person(
    person: centre.Person, n: int, region: Region, center: ServiceCenter, organ: Department, at: datetime
) -> Staff:
    post = Post.objects.filter(department=organ, name=person.post).first()
    post = post or people.open_post(organ, person.post, by=SYSTEM, at=at)
    staff = people.open_account(
        region=region,
        department=organ,
        center=center,
        post=post,
        number=f"{300 + n:04d}",
        name=person.name,
        username=person.username,
        password=None,
        must_change_password=False,
        by=SYSTEM,
        at=at,
    )
    people.grant_role(staff, person.role, department=None if person.whole_region else organ, by=SYSTEM, at=at)
    return staff


def when_of(item: centre.Item) -> str:
    return "当场办结" if item.is_immediate else f"受理后 {item.promised} 个工作日内给结果"


def plain_of(item: centre.Item) -> str:
    """Return the item in plain words."""
    return item.plain or f"{item.condition}带上要交的材料来窗口，{when_of(item)}，拿到{item.result}，不收费。"


def _item(
    item: centre.Item,
    region: Region,
    center: ServiceCenter,
    organs: dict[str, Department],
    staff: dict[str, Staff],
    at: datetime,
) -> ItemVersion:
    organ, editor = organs[item.organ], staff["editor"]
    catalog_code = f"52{item.item_type}{item.code}000"
    draft = catalog.create_item(
        region=region,
        department=organ,
        task_code=f"{organ.uscc}4{catalog_code}",
        name=item.name,
        item_type=item.item_type,
        case_type=item.case_type,
        by=editor,
        at=at,
    )
    when = when_of(item)
    draft = catalog.save_draft(
        draft.item,
        {
            # In force for a year and more, so that the trend of entry has something to show.
            "effective_on": localdate(at) - timedelta(days=400),
            "everyday_names": list(item.everyday),
            "legal_basis": item.basis,
            "power_source": "法定本级行使",
            "exercise_level": "县级",
            "organ_nature": "法定机关",
            "statutory_limit": item.statutory,
            "promised_limit": item.promised,
            "accept_condition": item.condition,
            "procedure": f"到任意综合窗口交材料，齐了当场受理，{when}。",
            **citizens.ways(item.code),
            "prohibitions": "没有",
            "quantity_limit": "没有",
            "universal_scope": "跨县",
            "result_type": "证照" if item.item_type == ItemType.LICENSE else "其他",
            "rights_and_duties": "您可以问进度、提意见、申请复议；材料要真实。",
            "takes_appointments": True,
            "delivers_by_post": not item.is_immediate,
            "service_objects": ["自然人", "企业法人"],
            "visit_count": 1,
            "has_fee": bool(item.fees),
            "place": f"{center.address}，{centre.HALL[1]}",
            "hours": center.hours,
            "consult_way": organ.phone,
            "complaint_way": "12345",
            "result_name": item.result,
            "plain_text": plain_of(item),
            "themes": list(item.themes),
            "is_joint": bool(item.joint_with),
        },
        materials=item.materials,
        steps=centre.flow(item, organs),
        fees=item.fees,
        faqs=item.faqs,
        by=editor,
        at=at,
    )
    draft = scenario.prepare(draft, item, by=editor, at=at)
    draft = visits.prepare(draft, item, by=editor, at=at)
    draft = handling.prepare(draft, item)
    return catalog.publish(draft, by=staff["publisher"], at=at)


def _credit_code(n: int) -> str:
    """An invented credit code with a right check character; its region 529901 is not in use."""
    number = f"11529901MADE{n:05d}"
    return number + uscc.calc_check_digit(number)
