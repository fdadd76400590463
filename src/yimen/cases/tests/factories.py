"""Cases for tests, made through the real actions; later states are reached by calling actions."""

from datetime import datetime
from itertools import count
from typing import Any

from yimen.cases import actions
from yimen.cases.actions import Handed
from yimen.cases.models import Case
from yimen.catalog.models import CaseType, FlowStep, ItemMaterial, ItemType, ItemVersion, ServiceItem
from yimen.people.models import Department, Role
from yimen.people.tests.factories import NOW, make_applicant, make_center, make_department, make_staff

_numbers = count(1)


def make_version(
    *,
    immediate: bool = False,
    promised_days: int | None = 9,
    visit: bool = False,
    department: Department | None = None,
    **fields: Any,
) -> ItemVersion:
    """
    A published version with two required materials and one that is shared.

    Its flow: receive, accept, then (not immediate) review, with `visit` a site visit before it, then decide, deliver.
    """
    n = next(_numbers)
    department = department or make_department()
    item = ServiceItem.objects.create(
        region=department.region,
        department=department,
        task_code=f"11500000MB2D06811W40001{n:08d}",
        name=f"演示事项 {n}",
        item_type=ItemType.PUBLIC_SERVICE if immediate else ItemType.LICENSE,
    )
    defaults = {
        "name": item.name,
        "case_type": CaseType.IMMEDIATE if immediate else CaseType.PROMISED,
        "promised_limit": None if immediate else promised_days,
        "statutory_limit": None if immediate else 20,
        "legal_basis": "《演示条例》第一条",
        "result_name": "演示许可证",
    }
    version = ItemVersion.objects.create(item=item, number=1, state=ItemVersion.State.PUBLISHED, **(defaults | fields))
    item.published = version
    item.save(update_fields=["published"])
    ItemMaterial.objects.bulk_create(
        [
            ItemMaterial(version=version, position=1, name="申请表"),
            ItemMaterial(version=version, position=2, name="身份证", kind=ItemMaterial.Kind.BOTH),
            ItemMaterial(version=version, position=3, name="营业执照", source=ItemMaterial.Source.SHARED),
        ]
    )
    kinds = ["receive", "accept"]
    if not immediate:
        kinds += ["visit"] * visit + ["review"]
    kinds += ["decide", "deliver"]
    FlowStep.objects.bulk_create(
        FlowStep(
            version=version,
            position=position,
            key=kind,
            name=str(FlowStep.Kind(kind).label),
            kind=kind,
            post="审批岗",
            authority="办理本事项",
            limit_days=0 if immediate else 1,
            after=kinds[position - 1 : position] if position else [],
        )
        for position, kind in enumerate(kinds)
    )
    return version


def make_case(
    *, version: ItemVersion | None = None, complete: bool = True, at: datetime = NOW, by: Any = None, **fields: Any
) -> Case:
    """A received case; all materials there unless complete=False. Other fields as for make_version()."""
    version = version or make_version(**fields)
    region = version.item.region
    clerk = by or make_staff(Role.CLERK, department=make_department(region), for_region=True)
    state = "complete" if complete else "missing"
    return actions.receive(
        version,
        make_applicant(region=region),
        center=make_center(region),
        materials={material.pk: Handed(state) for material in version.materials.all()},
        by=clerk,
        at=at,
    )
