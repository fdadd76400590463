"""What the work card at a window says (HALL-20): a post's duties and promise, and how to complain of somebody."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Post, ServiceCenter


class CardTooLong(DomainError):
    """More words than a card holds."""


@transaction.atomic
def describe_post(post_id: UUID, *, duties: str, promise: str, by: Actor, at: datetime) -> Post:
    """Say what whoever holds a post does and promises. A repeat changes nothing; raises CardTooLong."""
    post = Post.objects.select_for_update(of=("self",), no_key=True).select_related("department").get(pk=post_id)
    region = post.department.region_id
    access.require(by, "hall.manage", region=region)
    duties, promise = duties.strip(), promise.strip()
    if len(duties) > 200 or len(promise) > 120:
        raise CardTooLong(_("岗位职责最多 200 个字，承诺最多 120 个字。"))
    if (post.duties, post.promise) != (duties, promise):
        post.duties, post.promise = duties, promise
        post.save(update_fields=["duties", "promise"])
        data = {"post": str(post.pk), "name": post.name}
        ledger.record(
            f"department:{post.department_id}", "people.post_described", region=region, by=by, at=at, data=data
        )
    return post


@transaction.atomic
def set_complaint_way(center_id: UUID, way: str, *, by: Actor, at: datetime) -> ServiceCenter:
    """Say how to complain of somebody at a window of a centre. A repeat changes nothing; raises CardTooLong."""
    center = ServiceCenter.objects.select_for_update(no_key=True).get(pk=center_id)
    access.require(by, "hall.manage", region=center.region_id)
    way = way.strip()
    if not 1 <= len(way) <= 80:
        raise CardTooLong(_("投诉方式要写，最多 80 个字，例如 12345。"))
    if center.complaint_way != way:
        center.complaint_way = way
        center.save(update_fields=["complaint_way"])
        data = {"way": way}
        ledger.record(
            f"center:{center.pk}", "people.complaint_way_set", region=center.region_id, by=by, at=at, data=data
        )
    return center
