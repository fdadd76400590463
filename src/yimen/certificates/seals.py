"""Electronic seals of organs: which there are, which counts on a day, which service signs with it (CERT-6)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from importlib import import_module
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.certificates.models import ESeal
from yimen.ledger import actions as ledger
from yimen.ledger.actions import Actor
from yimen.lib import signing
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Department

DEMO = signing.LocalSigner.name


class NoService(DomainError):
    """No signing service of this name is set up."""


class SealRefused(DomainError):
    """A seal cannot be made known like this."""


def current() -> str:
    """Return the name of the signing service that is set up; empty when there is none."""
    return str(settings.SIGNER or (DEMO if settings.DEMO else ""))


def service(name: str, *, at: datetime) -> signing.Signer:
    """
    Return the signing service `name`: "demo", or what YIMEN_SIGNER names as "package.module:factory".

    The factory is called once in a process and gives a signing.Signer. Raises NoService.
    """
    if name == DEMO and current() == DEMO:
        return _demo(str(settings.HOME), at)
    if name and name == current():
        return _connected(name)
    raise NoService(_("签章服务“%(name)s”没有接上。请系统管理员检查 YIMEN_SIGNER 的设置。") % {"name": name})


@cache
def _connected(name: str) -> signing.Signer:
    module, _colon, factory = name.partition(":")
    make: Callable[[], signing.Signer] = getattr(import_module(module), factory)
    return make()


def _demo(home: str, at: datetime) -> signing.Signer:
    if home not in _DEMOS:
        _DEMOS[home] = signing.LocalSigner(settings.HOME / "keys" / "demo-seal.pem", at=at)
    return _DEMOS[home]


_DEMOS: dict[str, signing.Signer] = {}


@transaction.atomic
def register(
    department: Department,
    *,
    name: str,
    code: str,
    kind: str = ESeal.Kind.SPECIAL,
    valid_from: date,
    valid_until: date | None = None,
    by: Actor,
    at: datetime,
) -> ESeal:
    """
    Make a seal known: from now on documents of `department` that ask for a seal of this name get it.

    Its certificate is the one the service signs with now. Raises access.NotAllowed, NoService, SealRefused.
    """
    access.require(by, "seals.manage", department=department, region=department.region_id)
    if not name.strip() or not code.strip():
        raise SealRefused(_("请写印章的名称和编码。"))
    if valid_until is not None and valid_until < valid_from:
        raise SealRefused(_("有效期止不能早于有效期起。"))
    if not current():
        raise NoService(_("还没有接上签章服务。请系统管理员设置 YIMEN_SIGNER。"))
    signer = service(current(), at=at)
    try:
        with transaction.atomic():
            seal = ESeal.objects.create(
                region_id=department.region_id,
                department=department,
                kind=kind,
                name=name.strip(),
                code=code.strip(),
                signer=current(),
                certificate=signing.pem(signer.certificate),
                certificate_no=signing.number_of(signer.certificate),
                valid_from=valid_from,
                valid_until=valid_until,
                registered_by_id=getattr(by, "pk", None),
                registered_at=at,
                is_demo=current() == DEMO,
            )
    except IntegrityError:
        raise SealRefused(_("这个印章编码已经登记过了。")) from None
    data = {"seal": seal.code, "certificate": seal.certificate_no, "from": valid_from.isoformat()}
    ledger.record(f"seal:{seal.pk}", "seal.registered", region=seal.region_id, by=by, at=at, data=data)
    return seal


@transaction.atomic
def stop(seal_id: UUID, *, last_on: date, by: Actor, at: datetime) -> ESeal:
    """
    Let a seal count no longer than `last_on`; what it sealed stays good. Raises access.NotAllowed, SealRefused.
    """
    seal = ESeal.objects.select_for_update(of=("self",)).select_related("department").get(pk=seal_id)
    access.require(by, "seals.manage", department=seal.department, region=seal.region_id)
    if last_on < localdate(at) or (seal.valid_until and seal.valid_until < localdate(at)):
        raise SealRefused(_("停用的日子不能早于今天，已经到期的印章不用再停。"))
    seal.valid_until = last_on
    seal.save(update_fields=["valid_until"])
    ledger.record(
        f"seal:{seal.pk}", "seal.stopped", region=seal.region_id, by=by, at=at, data={"until": last_on.isoformat()}
    )
    return seal


def seal_for(department_id: UUID, name: str, on: date) -> ESeal | None:
    """Return the seal of this name that counts for a department on a day; None when there is none."""
    until = Q(valid_until=None) | Q(valid_until__gte=on)
    return (
        ESeal.objects.filter(until, department_id=department_id, name=name, valid_from__lte=on)
        .order_by("-valid_from", "-registered_at")
        .first()
    )


def certificates_of(region: str) -> list[bytes]:
    """Return the certificates (DER) of every seal a region ever had, for checking what they sealed."""
    texts = ESeal.objects.filter(region_id=region).values_list("certificate", flat=True)
    return [signing.der(text) for text in dict.fromkeys(texts)]
