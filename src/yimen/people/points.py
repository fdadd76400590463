"""Service points (便民服务中心、便民服务点): town and village places of service, opened and closed."""

from __future__ import annotations

import re
from datetime import datetime

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.people import access
from yimen.people.actions import PlaceIncomplete, PlaceTaken, WrongPlace
from yimen.people.models import Region, ServiceCenter, ServicePoint


@transaction.atomic
def open_point(
    *,
    region: Region,
    kind: str,
    code: str,
    name: str,
    by: Actor,
    at: datetime,
    address: str = "",
    hours: str = "",
    phone: str = "",
    center: ServiceCenter | None = None,
) -> ServicePoint:
    """
    Add a town or village place of service; code: 9 or 12 digits by GB/T 2260 and the towns' own, or a short name.

    Raises PlaceIncomplete, PlaceTaken, WrongPlace for a centre of another region, access.NotAllowed.
    """
    access.require(by, "people.manage", region=region.pk)
    if center and center.region_id != region.pk:
        raise WrongPlace(_("这个中心不在本地区。"))
    if kind not in ServicePoint.Kind.values:
        raise PlaceIncomplete(_("请选是乡镇（街道）的，还是村（社区）的。"))
    code, name = code.strip().lower(), name.strip()
    if not re.fullmatch("[a-z0-9][a-z0-9_-]{0,19}", code):
        raise PlaceIncomplete(_("编码用数字或小写字母，最多 20 个，例如乡镇的 9 位区划代码。"))
    address, hours, phone = address.strip(), hours.strip(), phone.strip()
    if not (name and address and phone):
        raise PlaceIncomplete(_("请填写服务点的名称、地址和电话，大家要照着找。"))
    # Two who add the same code queue here; the second then sees the first one's.
    Region.objects.select_for_update(no_key=True).get(pk=region.pk)
    same = ServicePoint.objects.filter(region=region)
    if same.filter(code=code).exists():
        raise PlaceTaken(_("编码 %(code)s 已经有服务点在用，请换一个。") % {"code": code})
    if same.filter(name=name, closed_on=None).exists():
        raise PlaceTaken(_("已经有“%(name)s”了。") % {"name": name})
    point = ServicePoint.objects.create(
        region=region, center=center, kind=kind, code=code, name=name, address=address, hours=hours, phone=phone
    )
    data = {"code": code, "name": name, "kind": kind}
    ledger.record(f"point:{point.pk}", "people.point_opened", region=region.pk, by=by, at=at, data=data)
    return point


@transaction.atomic
def close_point(point: ServicePoint, *, by: Actor, at: datetime) -> ServicePoint:
    """Close a service point from today on; what it did stays. A repeat records nothing."""
    access.require(by, "people.manage", region=point.region_id)
    point = ServicePoint.objects.select_for_update(no_key=True).get(pk=point.pk)
    if point.closed_on is None:
        point.closed_on = localdate(at)
        point.save(update_fields=["closed_on"])
        data = {"code": point.code, "name": point.name}
        ledger.record(f"point:{point.pk}", "people.point_closed", region=point.region_id, by=by, at=at, data=data)
    return point


def points_of(region: Region | str, *, is_open: bool = True) -> QuerySet[ServicePoint]:
    """Return the service points of a region, towns first; is_open=False: the closed ones too, last."""
    code = region if isinstance(region, str) else region.pk
    points = ServicePoint.objects.filter(region_id=code)
    if is_open:
        points = points.filter(closed_on=None)
    return points.order_by(F("closed_on").asc(nulls_first=True), "kind", "code")


def open_point_of(region: Region | str, code: str) -> ServicePoint | None:
    """Return the open service point with this code; None when there is none."""
    return points_of(region).filter(code=code).first()
