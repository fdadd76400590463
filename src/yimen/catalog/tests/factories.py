"""Items for tests and trials, made and published through the real actions."""

from collections.abc import Sequence
from datetime import datetime
from itertools import count
from typing import Any

from yimen.catalog import actions
from yimen.catalog.actions import MaterialDraft, StepDraft
from yimen.catalog.models import CaseType, ItemType, ItemVersion, ServiceItem
from yimen.catalog.tests.power_factories import ensure_power
from yimen.ledger.actions import SYSTEM
from yimen.people.models import Department
from yimen.people.tests.factories import NOW, make_department, make_region

__all__ = ["NOW", "make_department", "make_draft", "make_item", "make_region", "make_step", "task_code"]

_numbers = count(1)


def task_code(n: int) -> str:
    """The n-th invented implementation code, under an organ whose credit code passes its check."""
    return f"11440232MB2D06811W400{20}{n:05d}000"


def make_step(key: str = "decide", **fields: Any) -> StepDraft:
    defaults = {"name": "决定", "kind": key, "post": "审批岗", "authority": "办理本事项", "limit_days": 0}
    return StepDraft(key=key, **(defaults | fields))


def _flow(immediate: bool) -> list[StepDraft]:
    days = 0 if immediate else 1
    return [
        make_step("receive", name="收件", post="窗口综合受理岗"),
        make_step("accept", name="受理", post="窗口综合受理岗", after=("receive",)),
        *([] if immediate else [make_step("review", name="审查", limit_days=days, after=("accept",))]),
        make_step("decide", limit_days=days, after=("accept" if immediate else "review",)),
        make_step("deliver", name="送达", post="出件岗", after=("decide",)),
    ]


BASIS = "《演示条例》第九条"
MATERIALS = (
    MaterialDraft("申请表", form="paper", legal_basis=BASIS),
    MaterialDraft("身份证", kind="both", legal_basis=BASIS),
    MaterialDraft("营业执照", source="shared", legal_basis=BASIS),
)


def make_draft(
    *,
    department: Department | None = None,
    name: str = "",
    item_type: str = ItemType.LICENSE,
    immediate: bool = False,
    promised_days: int = 9,
    materials: Sequence[MaterialDraft] | None = None,
    steps: Sequence[StepDraft] | None = None,
    at: datetime = NOW,
    by: Any = SYSTEM,
    has_power: bool = True,
    **fields: Any,
) -> ItemVersion:
    """
    A draft that can be published; `fields` override what it says. has_power=False leaves it out of the power list.
    """
    n = next(_numbers)
    department = department or make_department()
    version = actions.create_item(
        region=department.region,
        department=department,
        task_code=task_code(n),
        name=name or f"演示事项 {n}",
        item_type=item_type,
        case_type=CaseType.IMMEDIATE if immediate else CaseType.PROMISED,
        by=by,
        at=at,
    )
    said = {
        "legal_basis": "《演示条例》第一条",
        "accept_condition": "在本市居住。",
        "procedure": "收件、受理、审查、决定、送达。",
        "promised_limit": None if immediate else promised_days,
        "statutory_limit": None if immediate else 20,
        "place": "演示路 1 号 3 号窗口",
        "hours": "工作日 9:00 到 17:00",
        "result_name": "演示许可证",
        "complaint_way": "12345",
        "plain_text": "带好材料来窗口，材料齐了当场受理。",
        "has_fee": False,
    }
    if has_power:
        ensure_power(version.item, at=at)
    if materials is None:
        materials = MATERIALS
    return actions.save_draft(
        version.item,
        said | fields,
        materials=materials,
        no_materials=not materials,
        steps=_flow(immediate) if steps is None else steps,
        by=by,
        at=at,
    )


def make_item(**overrides: Any) -> ServiceItem:
    """
    A published item with three materials and a flow: receive, accept, (review,) decide, deliver.

    immediate=True for one decided at once, else promised_days=9 of 20; other words as for make_draft().
    """
    at = overrides.get("at", NOW)
    version = actions.publish(make_draft(**overrides), by=SYSTEM, at=at)
    return version.item
