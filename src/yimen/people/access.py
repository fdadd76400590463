"""Who may do what. Each action asks `require`; pages, kiosk, API and jobs all end there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from yimen.ledger.actions import SYSTEM, Actor
from yimen.lib.errors import DomainError
from yimen.lib.text import listed
from yimen.people.models import Department, Role, Staff

if TYPE_CHECKING:
    from collections.abc import Iterable

# "domain.verb", declared here once; docs/permissions.md explains each (a test compares).
PERMISSIONS: dict[str, frozenset[Role]] = {
    "people.manage": frozenset({Role.SYSTEM_ADMIN}),
    "people.grant": frozenset({Role.SECURITY_ADMIN}),
    "people.cover": frozenset({Role.LEADER, Role.HALL_MANAGER}),
    "people.register": frozenset({Role.CLERK, Role.GUIDE, Role.APPROVER}),
    "people.reveal": frozenset({Role.CLERK, Role.APPROVER, Role.SUPERVISOR}),
    "ledger.read": frozenset({Role.AUDIT_ADMIN}),
    "catalog.edit": frozenset({Role.EDITOR}),
    "catalog.publish": frozenset({Role.PUBLISHER}),
    "catalog.review": frozenset({Role.EDITOR, Role.PUBLISHER, Role.APPROVER, Role.LEADER}),
    "catalog.calendar": frozenset({Role.SYSTEM_ADMIN}),
    "powers.view": frozenset({Role.EDITOR, Role.PUBLISHER, Role.LEADER, Role.HALL_MANAGER, Role.SUPERVISOR}),
    "powers.edit": frozenset({Role.EDITOR}),
    "powers.publish": frozenset({Role.PUBLISHER}),
    "powers.delegate": frozenset({Role.LEADER, Role.EDITOR}),
    "powers.enter": frozenset({Role.HALL_MANAGER}),
    "cases.view": frozenset({Role.CLERK, Role.APPROVER, Role.SURVEYOR, Role.LEADER, Role.SUPERVISOR}),
    "cases.receive": frozenset({Role.CLERK}),
    "cases.accept": frozenset({Role.CLERK}),
    "cases.decline": frozenset({Role.CLERK}),
    "cases.withdraw": frozenset({Role.CLERK, Role.APPROVER}),
    "cases.stop": frozenset({Role.APPROVER, Role.LEADER}),
    "cases.extend": frozenset({Role.APPROVER}),
    "cases.approve_extension": frozenset({Role.LEADER}),
    "cases.review": frozenset({Role.APPROVER, Role.SURVEYOR}),
    "cases.send_back": frozenset({Role.APPROVER, Role.LEADER}),
    "cases.assign": frozenset({Role.LEADER}),
    "cases.move": frozenset({Role.APPROVER, Role.LEADER}),
    "cases.decide": frozenset({Role.APPROVER, Role.LEADER}),
    "cases.decide_at_once": frozenset({Role.CLERK, Role.APPROVER, Role.LEADER}),
    "cases.deliver": frozenset({Role.CLERK}),
    "cases.revoke": frozenset({Role.LEADER}),
    "cases.quota": frozenset({Role.LEADER}),
    "cases.publicize": frozenset({Role.CLERK, Role.LEADER, Role.HALL_MANAGER}),
    "cases.bar": frozenset({Role.APPROVER, Role.LEADER}),
    "cases.lift_bar": frozenset({Role.LEADER}),
    "cases.charge": frozenset({Role.CLERK, Role.APPROVER}),
    "cases.waive": frozenset({Role.APPROVER, Role.LEADER}),
    "cases.ask_priority": frozenset({Role.CLERK, Role.GUIDE, Role.APPROVER, Role.LEADER, Role.HALL_MANAGER}),
    "cases.prioritize": frozenset({Role.LEADER, Role.HALL_MANAGER}),
    "cases.agent": frozenset({Role.CLERK, Role.APPROVER}),
    "cases.guide": frozenset({Role.CLERK, Role.GUIDE, Role.APPROVER, Role.SURVEYOR}),
    "cases.team": frozenset({Role.LEADER}),
    "cases.experts": frozenset({Role.LEADER}),
    "cases.ask_expert": frozenset({Role.APPROVER, Role.LEADER}),
    "cases.ask_recusal": frozenset({Role.CLERK, Role.APPROVER, Role.SURVEYOR, Role.LEADER}),
    "cases.recuse": frozenset({Role.LEADER}),
    "certificates.view": frozenset({Role.CLERK, Role.APPROVER, Role.LEADER, Role.SUPERVISOR}),
    "certificates.issue": frozenset({Role.CLERK, Role.APPROVER}),
    "certificates.report_lost": frozenset({Role.CLERK, Role.APPROVER}),
    "certificates.change": frozenset({Role.LEADER}),
    "cases.message": frozenset({Role.CLERK, Role.APPROVER, Role.SURVEYOR, Role.LEADER}),
    "hall.call": frozenset({Role.CLERK, Role.APPROVER, Role.LEADER}),
    "hall.take": frozenset({Role.GUIDE, Role.CLERK}),
    "hall.guide": frozenset({Role.GUIDE, Role.CLERK}),
    "hall.manage": frozenset({Role.HALL_MANAGER}),
    "hall.book": frozenset({Role.GUIDE, Role.CLERK, Role.HALL_MANAGER}),
    "hall.override": frozenset({Role.HALL_MANAGER}),
    "registers.look": frozenset({Role.CLERK, Role.APPROVER}),
    "notify.send": frozenset({Role.CLERK, Role.GUIDE, Role.HALL_MANAGER}),
    "ratings.opinions": frozenset({Role.HALL_MANAGER, Role.SUPERVISOR, Role.LEADER}),
    "centre.write_rules": frozenset({Role.HALL_MANAGER, Role.EDITOR}),
    "centre.approve_rules": frozenset({Role.LEADER}),
    "insight.view": frozenset({Role.LEADER, Role.HALL_MANAGER, Role.SUPERVISOR}),
    "templates.write": frozenset({Role.EDITOR}),
    "templates.approve": frozenset({Role.PUBLISHER, Role.LEADER}),
    "seals.manage": frozenset({Role.LEADER}),
    "archive.read": frozenset({Role.LEADER, Role.SUPERVISOR, Role.HALL_MANAGER}),
    "archive.keep": frozenset({Role.HALL_MANAGER}),
    "archive.approve": frozenset({Role.LEADER}),
    "supervision.view": frozenset({Role.LEADER, Role.HALL_MANAGER, Role.SUPERVISOR}),
    "supervision.manage": frozenset({Role.SUPERVISOR}),
    "supervision.answer": frozenset(
        {Role.CLERK, Role.APPROVER, Role.SURVEYOR, Role.LEADER, Role.HALL_MANAGER, Role.GUIDE}
    ),
    "supervision.decide": frozenset({Role.SUPERVISOR}),
    "exchange.import": frozenset({Role.EDITOR, Role.SYSTEM_ADMIN}),
    "exchange.manage": frozenset({Role.SYSTEM_ADMIN}),
}


class NotAllowed(DomainError):
    """The person's roles do not cover the act."""


def allowed(by: Actor, permission: str, *, department: Department | None = None, region: str = "") -> bool:
    """
    Tell whether `by` holds `permission` in `region` for `department` (None: for no particular one).

    The platform itself (SYSTEM) may do everything; whoever is not staff, nothing.
    """
    roles = PERMISSIONS[permission]
    if by is SYSTEM:
        return True
    if not isinstance(by, Staff) or not by.user.is_active:
        return False
    if (region or by.region_id) != by.region_id or (department and department.region_id != by.region_id):
        return False
    return any(
        grant.role in roles and (department is None or grant.department_id in (None, department.pk))
        for grant in by.granted
    )


def require(by: Actor, permission: str, *, department: Department | None = None, region: str = "") -> None:
    """Raise NotAllowed, saying who can, unless `by` is allowed."""
    if allowed(by, permission, department=department, region=region):
        return
    who = listed(str(role.label) for role in sorted(PERMISSIONS[permission]))
    if department is not None:
        raise NotAllowed(
            _("这件由%(department)s的%(who)s办，您的账号办不了。") % {"department": department.name, "who": who}
        )
    raise NotAllowed(_("这一步由%(who)s来做，您的账号做不了。") % {"who": who})


def permissions_of(by: Staff) -> Iterable[str]:
    return [name for name in PERMISSIONS if allowed(by, name)]
