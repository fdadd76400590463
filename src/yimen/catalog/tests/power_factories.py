"""Powers and delegations for tests and trials."""

from datetime import datetime
from typing import Any

from yimen.catalog.actions import powers as actions
from yimen.catalog.models import Delegation, ItemVersion, PowerEntry, PowerList, ServiceItem
from yimen.catalog.queries import powers as queries
from yimen.ledger.actions import SYSTEM
from yimen.lib.workdays import LOCAL_ZONE
from yimen.people.tests.factories import NOW, make_post

__all__ = ["bulk_items", "ensure_delegation", "ensure_power"]


def ensure_power(item: ServiceItem, *, at: datetime = NOW) -> None:
    """
    Put the item's code into its region's edition in force, beginning a first edition where there is none.

    Written into the published edition directly: a test that needs an item to be publishable is not about lists.
    """
    on = at.astimezone(LOCAL_ZONE).date()
    edition = queries.power_list_in_force(item.region_id, on)
    if edition is None:
        last = PowerList.objects.filter(region_id=item.region_id).order_by("-number").first()
        edition = PowerList.objects.create(
            region_id=item.region_id,
            number=last.number + 1 if last else 1,
            name="演示权力清单",
            effective_on=on.replace(year=on.year - 5, day=1),
            published_at=at,
        )
    PowerEntry.objects.get_or_create(
        power_list=edition,
        code=queries.power_code(item),
        defaults={
            "department_id": item.department_id,
            "name": item.name,
            "power_type": item.item_type,
            "level": "4",
            "legal_basis": "《演示条例》第一条",
        },
    )


def ensure_delegation(item: ServiceItem, *, at: datetime = NOW, **fields: Any) -> Delegation:
    """A signed letter without end that lets a hall post of the unit receive, accept and decide for the item."""
    values: dict[str, Any] = {
        "acts": ["receive", "accept", "decide"],
        "letter_no": f"演授〔2026〕{Delegation.objects.count() + 1}号",
        "signed_by": "钱局长（演示）",
        "from_on": at.astimezone(LOCAL_ZONE).date().replace(month=1, day=1),
    }
    if "point" not in fields:
        values["post"] = make_post(item.department, "综合受理岗")
    return actions.grant_delegation(item, by=SYSTEM, at=at, **(values | fields))


def bulk_items(first: ServiceItem, count: int) -> list[ServiceItem]:
    """Many published items at once: `first` and bare ones of its unit beside it, `count` together."""
    department = first.department
    items = [
        ServiceItem(
            region_id=first.region_id,
            department=department,
            task_code=f"{first.task_code[:28]}{n:03d}",
            name=f"演示事项 {n:03d}",
            item_type="20",
        )
        for n in range(1, count)
    ]
    ServiceItem.objects.bulk_create(items)
    state, on = ItemVersion.State.PUBLISHED, NOW.date()
    versions = [
        ItemVersion(
            item=item, number=1, state=state, published_at=NOW, effective_on=on, name=item.name, case_type="promised"
        )
        for item in items
    ]
    ItemVersion.objects.bulk_create(versions)
    for item, version in zip(items, versions, strict=True):
        item.published = version
    ServiceItem.objects.bulk_update(items, ["published"])
    return [first, *items]
