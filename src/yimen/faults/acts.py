"""
REL-6: every act has one effect per key.

The acts are found by asking every address of the platform what it does with a POST that has no key. One that takes
it and is named neither in UNKEYED nor in BY_STATE with a reason fails the check, and so does an act with a key that
is not in TRIED.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from django.utils.timezone import localdate

from yimen.faults import bookings, calling_acts, citizens, kiosk_acts, screens
from yimen.faults.client import Client, NoAnswer, Reply
from yimen.faults.platform import Platform, orm
from yimen.faults.result import Result
from yimen.faults.seed import Seed, resident_id

AT_ONCE = 50
NOTHING = "00000000-0000-4000-8000-000000000000"

# Addresses that take a POST without a key, and why that is right.
UNKEYED = {
    **kiosk_acts.UNKEYED,
    "workbench:registers": "reads other organs' registers; each look-up is a row of the ledger",
    "workbench:hall-days-export": "reads figures; each table taken is a row of the ledger",
    "account_*": "logging in and out, and one's own password: the session is the state, a repeat ends in the same one",
    "mfa_*": "one's own second factor: as above, and a code is taken once only",
    "set_language": "a cookie of this browser",
    "elder": "a cookie of this browser",
    "theme": "a cookie of this browser",
    "portal:progress": "reads a case; only wrong guesses are counted",
    "portal:leave": "forgets what this browser has opened",
    "portal:verify": "reads a document by its code",
    "portal:verify_start": "reads a document by its code",
    "workbench:window-applicant": "looks an applicant up; a POST so that numbers never stand in addresses",
    "workbench:cases-find": "a search; a POST so that names never stand in addresses",
    "workbench:desk-find": "as cases-find",
    "workbench:case-reveal": "a repeat is another look and another ledger row, and no number may be kept in an answer",
    "workbench:people-reveal": "as case-reveal",
    "workbench:inquiry-phone": "as case-reveal",
    "workbench:cases-export": "a repeat is another export and another ledger row",
    "workbench:tasks-export": "as cases-export",
    "workbench:bulk-print": "as cases-export",
    "workbench:bulk": "tries what was chosen and undoes it; the act itself is bulk-do",
    "workbench:ledger-export": "as cases-export",
    "workbench:report-export": "as cases-export",
    "workbench:quality-export": "as cases-export",
    "workbench:fees-export": "as cases-export",
    "workbench:cards-export": "as cases-export",
    "workbench:walks-export": "as cases-export",
    "workbench:publicity-export": "as cases-export",
    "workbench:archive-file": "a repeat is another download and another ledger row",
    "workbench:archive-register": "as cases-export",
    "workbench:documents-print": "makes one PDF of documents that are there and keeps nothing",
    "workbench:ledger-verify": "queues a check; the queue takes one at a time",
    "workbench:people-password": "a new password is shown once and kept nowhere, so no answer can be kept",
    "workbench:leaflets-booklet": "queues a print; the queue takes one at a time",
    "workbench:client-new": "a name is taken once; the key is shown once and kept nowhere; proved beside the page",
    "workbench:client-webhook-secret": "a new secret is shown once and kept nowhere, so no answer can be kept",
    "api:webhook_secret": "as client-webhook-secret",
    "workbench:plain-check": "reads a text and keeps nothing; a POST because texts are long",
    "workbench:item": "saving the same draft again records nothing; proved beside the catalogue's actions",
    "workbench:item-new": "the implementation code is taken once; proved beside the catalogue's actions",
    "workbench:scenario-question": "as item: sent with the mark of the draft it was read from",
    "workbench:scenario-attach": "as item: sent with the mark of the draft it was read from",
    "workbench:scenario-move": "as item: sent with the mark of the draft it was read from",
    "workbench:scenario-delete": "as item: sent with the mark of the draft it was read from",
    "workbench:form-edit": "as item: sent with the mark of the draft it was read from",
    "workbench:form-sample-edit": "as item: sent with the mark of the draft it was read from",
    "workbench:form-delete": "as item: sent with the mark of the draft it was read from",
    "workbench:guidances-export": "reads",
    "portal:form": "makes a PDF of what was typed and keeps nothing",
    "portal:forms": "as form",
    "workbench:catalog-flow": "saving the same flow again records nothing; proved beside the flow editor",
    "workbench:catalog-flow-preview": "draws what is in the form and writes nothing",
    "workbench:catalog-flow-import": "reads a file into the editor and writes nothing",
    "workbench:import-bring": "keeps one more file that waits; taking one is keyed",
    "portal:booklet-file": "reads",
    "workbench:visit-note": "the same findings again write nothing; proved beside the act",
    "workbench:visit-photo": "the same photo at the same point is kept once; proved beside the act",
    "workbench:catalog-points": "as item: sent with the mark of the draft it was read from",
    "workbench:bundle-new": "a bundle's code is taken once, and saving the same again records nothing",
    "workbench:bundle": "saving the same bundle again records nothing; proved beside its actions",
    "workbench:bundle-publish": "a bundle is offered once, and withdrawn once; proved beside its actions",
    "workbench:batch-list": "the same list again leaves the same people; proved beside its actions",
    "workbench:batch-tick": "a line is ticked once; proved beside its actions",
    "workbench:batch-close": "a batch ends once",
    **citizens.UNKEYED,
    **bookings.UNKEYED,
    "api:openapi-json": "reads",
    "api:api-root": "nothing there",
}

# Acts that may come without a key because their state takes each once; each is tried without one.
BY_STATE = {
    "api:call_next": "a window that has a called ticket is given the same one",
    "api:finish": "the ticket named is finished once",
    "workbench:people-open": "a login name is taken once; the password is shown once, so no answer can be kept",
    "workbench:people-grant": "a role is held once",
    "workbench:people-end-role": "a grant ends once",
    "workbench:people-close": "an account is closed once",
    "workbench:item-publish": "a draft is published once",
    "workbench:item-withdraw": "an item is withdrawn once",
    "workbench:item-take-back": "an approved edition is taken back once",
    "workbench:seal-new": "a seal's code is taken once; proved beside the seals, for it needs a signing service",
    "workbench:seal-stop": "a seal that ended today cannot be stopped again but for today",
    "workbench:calendar-day": "the same day again changes nothing",
    "workbench:calendar-announce": "a year is announced once",
}
# Of those, the ones that take a key when there is one.
KEY_TOO = {"api:call_next", "api:finish"}


@dataclass(frozen=True)
class Wish:
    """
    One request. key aside, it is complete; program: JSON with an Idempotency-Key header instead of a form.

    public: acts of citizens without account have one actor, so the key alone is the secret.
    """

    session: str
    path: str
    fields: dict[str, Any] = field(default_factory=dict)
    stranger: str = ""
    program: bool = False
    public: bool = False

    def send(self, client: Client, key: str | None, *, other: bool = False) -> Reply:
        fields = {**self.fields, "other": "1"} if other else self.fields
        return client.post(self.path, fields, key=key) if self.program else client.submit(self.path, fields, key=key)


class World:
    """Makes what an act needs, through the real actions, in the platform's own database."""

    def __init__(self, platform: Platform, seed: Seed) -> None:
        self.platform, self.seed = platform, seed
        self._windows = iter(range(len(seed.windows)))
        self._people = count(500)
        self._days = iter((1, 2, 3, 4, 7, 8, 9, 10, 11, 14, 15, 16, 17, 18, 21))

    def staff(self, name: str) -> Any:
        from yimen.people.models import Staff

        return Staff.objects.select_related("user").get(pk=self.seed.staff[name])

    def session(self, role: str) -> str:
        return self.seed.people[role]

    def window(self) -> tuple[str, str, Any]:
        """A window nobody has used yet: its id, its clerk's session, its clerk."""
        n = next(self._windows)
        pk, session = self.seed.windows[n]
        return pk, session, self.staff(f"clerk{n + 1}")

    def ticket(self, letter: str = "A") -> Any:
        from yimen.hall import actions
        from yimen.ledger.actions import PUBLIC

        return actions.take_ticket(self.seed.series[letter], by=PUBLIC, at=now(), source="kiosk")  # type: ignore[arg-type]

    def called(self) -> tuple[str, str, Any]:
        """A window with a called ticket: its id, its clerk's session, the ticket."""
        from yimen.hall import actions

        pk, session, clerk = self.window()
        self.ticket()
        return pk, session, actions.call_next(pk, by=clerk, at=now())  # type: ignore[arg-type]

    def new_staff(self, *roles: str) -> tuple[Any, str]:
        """Somebody new with these roles, and a session."""
        from yimen.faults.seed import session_of
        from yimen.ledger.actions import SYSTEM
        from yimen.people import actions
        from yimen.people.models import Region

        clerk, n = self.staff("clerk"), next(self._people)
        one = actions.open_account(
            region=Region.objects.get(pk=self.seed.region), department=clerk.department, number=f"{n:05d}",
            name="新来的（演示）", username=f"demo-{n}", password=None, by=SYSTEM, at=now(), must_change_password=False,
        )  # fmt: skip
        for role in roles:
            actions.grant_role(one, role, by=SYSTEM, at=now())
        return one, session_of(one)

    def case(self, state: str = "received", kind: str = "immediate", *, complete: bool = True) -> Any:
        """A case in that state."""
        from yimen.cases import actions
        from yimen.catalog.models import ItemVersion
        from yimen.people.models import Applicant, ServiceCenter

        clerk = self.staff("clerk")
        version = ItemVersion.objects.select_related("item__department").get(pk=self.seed.versions[kind])
        handed = "complete" if complete else "missing"
        case = actions.receive(
            version, Applicant.objects.get(pk=self.seed.applicants[0]),
            center=ServiceCenter.objects.get(pk=self.seed.center),
            materials={one.pk: actions.Handed(handed) for one in version.materials.all()}, by=clerk, at=now(),
        )  # fmt: skip
        if state in {"accepted", "completed"}:
            case = actions.accept(case.pk, by=clerk, at=now())
        if state == "completed":
            case = actions.decide(case.pk, outcome="granted", by=clerk, at=now())
        return case

    def materials(self, kind: str = "immediate") -> dict[str, str]:
        from yimen.catalog.models import ItemMaterial

        found = ItemMaterial.objects.filter(version__pk=self.seed.versions[kind]).values_list("pk", flat=True)
        return {f"state-{pk}": "complete" for pk in found}

    def invitation(self) -> str:
        """The token of an invitation nobody has answered."""
        from datetime import timedelta

        from yimen.ratings.models import Invitation

        case = self.case("completed")
        token = uuid4().hex
        Invitation.objects.create(
            region_id=case.region_id, token=token, scope="matter", case=case, center=case.center,
            department=case.department, made_at=now(), expires_at=now() + timedelta(days=1),
        )  # fmt: skip
        return token

    def person(self) -> dict[str, str]:
        n = next(self._people)
        return {"kind": "person", "id_number": resident_id(n), "name": "李小花", "phone": f"1390001{n:04d}"}


def now() -> Any:
    from django.utils import timezone

    return timezone.now()


# -- one wish for each act, by the name of its address ----------------------------------------------------------------


def _at_window(name: str) -> Callable[[World], Wish]:
    def wish(world: World) -> Wish:
        _pk, session, ticket = world.called()
        return Wish(session, f"/workbench/window/{name}", {"ticket": str(ticket.pk)}, world.session("clerk-free"))

    return wish


def _call(world: World) -> Wish:
    _pk, session, _clerk = world.window()
    world.ticket()
    return Wish(session, "/workbench/window/call", {}, world.session("clerk-free"))


def _sign_in(world: World) -> Wish:
    from yimen.hall.models import Hall, Window

    hall = Hall.objects.get(pk=world.seed.hall_id)
    number = Window.objects.filter(hall=hall).count() + 1
    window = Window.objects.create(region_id=hall.region_id, hall=hall, number=number, name=f"{number} 号窗口")
    _one, session = world.new_staff("clerk")
    return Wish(session, "/workbench/window/sign-in", {"window": str(window.pk)}, world.new_staff("clerk")[1])


def _sign_out(world: World) -> Wish:
    _pk, session, _clerk = world.window()
    return Wish(session, "/workbench/window/sign-out", {}, world.session("clerk-free"))


def _receive(world: World) -> Wish:
    _pk, session, _clerk = world.window()
    fields = {"version": world.seed.versions["immediate"], **world.materials(), **world.person()}
    path = f"/workbench/window/receive/{world.seed.items['immediate']}"
    return Wish(session, path, fields, world.session("clerk-free"))


def _on_case(act: str, state: str, fields: dict[str, str], *, role: str = "clerk", kind: str = "immediate") -> Any:
    def wish(world: World) -> Wish:
        case = world.case(state, kind)
        stranger = world.session("clerk-free" if role == "clerk" else "leader")
        return Wish(world.session(role), f"/workbench/cases/{case.query_no}/{act}", fields, stranger)

    return wish


def _materials(world: World) -> Wish:
    case = world.case(complete=False)
    path = f"/workbench/cases/{case.query_no}/materials"
    return Wish(world.session("clerk"), path, world.materials(), world.session("clerk-free"))


def _task(world: World) -> Wish:
    case = world.case("accepted", "promised")
    task = case.tasks.get(step_key="review")
    path = f"/workbench/cases/{case.query_no}/tasks/{task.pk}"
    fields = {"outcome": "passed", "opinion": "材料符合规定。"}
    return Wish(world.session("approver"), path, fields, world.session("surveyor"))


def _correct(world: World) -> Wish:
    case = world.case(complete=False)
    fields = dict.fromkeys(world.materials(), "missing")
    shared = case.materials.filter(material__source="shared").values_list("material_id", flat=True)
    fields = {name: value for name, value in fields.items() if name.removeprefix("state-") not in map(str, shared)}
    path = f"/workbench/cases/{case.query_no}/correction"
    return Wish(world.session("clerk"), path, fields, world.session("clerk-free"))


def _stopped(world: World) -> Wish:
    from yimen.cases import actions

    case, approver = world.case("accepted", "promised"), world.staff("approver")
    actions.open_stop(case.pk, ground="testing", reason="空气质量要检测", needed_days=3, by=approver, at=now())
    path = f"/workbench/cases/{case.query_no}/stop/close"
    return Wish(world.session("approver"), path, {"result": "检测合格，报告收到"}, world.session("leader"))


def _extension(world: World) -> Wish:
    from yimen.cases import actions

    case, approver = world.case("accepted", "promised"), world.staff("approver")
    actions.ask_extension(case.pk, reason="要等上级部门的复函", by=approver, at=now())
    path = f"/workbench/cases/{case.query_no}/extension/answer"
    return Wish(world.session("leader"), path, {"verdict": "approve"}, world.session("approver"))


def _kiosk(world: World) -> Wish:
    return Wish("", f"/kiosk/{world.seed.hall}/take/{world.seed.series['A']}/", {"phone": ""}, world.session("clerk"))


def _rate(world: World) -> Wish:
    return Wish("", f"/r/{world.invitation()}/level", {"level": "good"}, world.session("clerk"))


def _rate_more(world: World) -> Wish:
    from yimen.ratings import actions, rules
    from yimen.ratings.models import RatingLevel

    token = world.invitation()
    actions.rate(token, level="bad", at=now())
    reason = next(iter(rules.reasons_for(RatingLevel("bad"))), "")
    return Wish("", f"/r/{token}/more", {"reason": reason, "text": "等得久"}, world.session("clerk"))


def _api_take(world: World) -> Wish:
    return Wish("", f"/api/v1/halls/{world.seed.hall}/tickets", {"series": "B"}, program=True, public=True)


def _api_call(world: World) -> Wish:
    pk, session, _clerk = world.window()
    world.ticket()
    return Wish(session, f"/api/v1/windows/{pk}/call-next", {}, world.session("clerk-free"), program=True)


def _api_finish(world: World) -> Wish:
    pk, session, ticket = world.called()
    path = f"/api/v1/windows/{pk}/finish"
    return Wish(session, path, {"ticket": str(ticket.pk)}, world.session("clerk-free"), program=True)


def _system(world: World) -> tuple[Any, Any]:
    """A department's system that was let in, and where it is told: a public address that nobody calls here."""
    from yimen.exchange import clients
    from yimen.exchange.models import Webhook
    from yimen.ledger.actions import SYSTEM
    from yimen.lib import crypto
    from yimen.people import actions
    from yimen.people.models import Region, Staff

    clerk, n = world.staff("clerk"), next(world._people)
    account = actions.open_account(
        region=Region.objects.get(pk=world.seed.region), department=clerk.department, number=f"S{n:05d}",
        name="接口账号（演示）", username=f"system-{n}", password=None, by=SYSTEM, at=now(),
    )  # fmt: skip
    actions.grant_role(account, "clerk", by=SYSTEM, at=now())
    admin = Staff.objects.filter(grants__role="system_admin", region=world.seed.region).first()
    assert admin is not None
    client, _key = clients.make_client(f"业务系统 {n}（演示）", account.pk, by=admin, at=now())
    webhook = Webhook.objects.create(
        region_id=client.region_id, client=client, url=f"https://hooks.example.org/{n}",
        secret_sealed=crypto.seal("secret", "exchange_webhook.secret"), made_at=now(), paused_at=now(),
    )  # fmt: skip
    return client, webhook


def _system_act(act: str, **fields: str) -> Callable[[World], Wish]:
    def make(world: World) -> Wish:
        client, webhook = _system(world)
        path = f"/workbench/clients/{client.pk}/" + act.format(webhook=webhook.pk)
        return Wish(world.session("system_admin"), path, fields, world.session("security_admin"))

    return make


def _open_account(world: World) -> Wish:
    clerk, n = world.staff("clerk"), next(world._people)
    fields = {"name": "新来的（演示）", "number": f"N{n}", "username": f"demo-{n}"}
    fields["department"] = str(clerk.department_id)
    return Wish(world.session("system_admin"), "/workbench/people/open", fields, world.session("security_admin"))


def _grant(world: World) -> Wish:
    one, _session = world.new_staff()
    fields = {"role": "guide", "department": ""}
    path = f"/workbench/people/{one.pk}/grant"
    return Wish(world.session("security_admin"), path, fields, world.session("system_admin"))


def _end_role(world: World) -> Wish:
    one, _session = world.new_staff("guide")
    fields = {"grant": str(one.grants.get().pk)}
    path = f"/workbench/people/{one.pk}/end-role"
    return Wish(world.session("security_admin"), path, fields, world.session("system_admin"))


def _close(world: World) -> Wish:
    one, _session = world.new_staff()
    fields = {"reason": "调离本中心"}
    path = f"/workbench/people/{one.pk}/close"
    return Wish(world.session("system_admin"), path, fields, world.session("security_admin"))


def _item_version(world: World) -> tuple[Any, Any]:
    """A new published item with a draft waiting, written by somebody else than the publisher."""
    from yimen.catalog import actions
    from yimen.faults.seed import make_item
    from yimen.ledger.actions import SYSTEM

    pk, _version = make_item(world.staff("clerk").department, "immediate", n=next(world._people))
    from yimen.catalog.models import ServiceItem

    item = ServiceItem.objects.get(pk=pk)
    papers = [actions.MaterialDraft("申请表", legal_basis="《演示条例》第二条")]
    return item, actions.save_draft(item, _DRAFT, materials=papers, by=SYSTEM, at=now())


_DRAFT = {
    "accept_condition": "权利人本人。",
    "procedure": "收件，受理，决定，送达。",
    "fee_note": "不收费",
    "complaint_way": "12345",
    "plain_text": "带身份证来，当场办好。",
}


def _publish(world: World) -> Wish:
    from yimen.catalog import actions

    item, draft = _item_version(world)
    fields = {"seen": actions.mark_of(draft)}
    return Wish(world.session("publisher"), f"/workbench/items/{item.pk}/publish", fields)


def _withdraw(world: World) -> Wish:
    item, _draft = _item_version(world)
    return Wish(world.session("publisher"), f"/workbench/items/{item.pk}/withdraw", {"reason": "依据已经废止"})


def _take_back(world: World) -> Wish:
    from yimen.catalog import actions
    from yimen.ledger.actions import SYSTEM

    item, _draft = _item_version(world)
    later = localdate(now()) + timedelta(days=30)
    draft = actions.save_draft(item, {"effective_on": later}, by=SYSTEM, at=now())
    actions.publish(draft, by=SYSTEM, at=now())
    return Wish(world.session("publisher"), f"/workbench/items/{item.pk}/take-back")


def _ask_units(world: World) -> Wish:
    item, _draft = _item_version(world)
    fields = {"departments": str(item.department_id)}
    return Wish(world.session("editor"), f"/workbench/items/{item.pk}/ask", fields, world.session("clerk"))


def _opinion(world: World) -> Wish:
    from yimen.catalog import actions
    from yimen.ledger.actions import SYSTEM

    _item, draft = _item_version(world)
    department = world.staff("approver").department
    (review,) = actions.ask_review(draft, [department], by=SYSTEM, at=now())
    fields = {"verdict": "change", "text": "请把条件写清楚。", "seen": actions.mark_of(draft)}
    return Wish(world.session("approver"), f"/workbench/reviews/{review.pk}", fields, world.session("clerk"))


def _basic_fields(world: World, n: int) -> dict[str, Any]:
    return {
        "catalog_code": f"5201{n:05d}000",
        "name": f"演示基本事项 {n}",
        "item_type": "01",
        "statutory_unit": "workday",
        "materials": "申请表\n身份证，非必要",
    }


def _basic_edit(world: World) -> Wish:
    from yimen.catalog import actions
    from yimen.ledger.actions import SYSTEM
    from yimen.people.models import Region

    region, n = Region.objects.get(pk=world.seed.region), next(world._people)
    fields = _basic_fields(world, n)
    basic = actions.add_basic(
        region, catalog_code=fields["catalog_code"], name="旧名", item_type="01", by=SYSTEM, at=now()
    )
    return Wish(world.session("editor"), f"/workbench/basics/{basic.pk}/edit", fields, world.session("clerk"))


def _sharing_fields(_world: World, n: int) -> dict[str, Any]:
    return {"names": f"演示证件 {n}、证件 {n}", "holder": "演示登记库", "available_on": "2026-01-05"}


def _sharing_edit(world: World) -> Wish:
    from yimen.catalog import actions
    from yimen.ledger.actions import SYSTEM
    from yimen.people.models import Region

    region, n = Region.objects.get(pk=world.seed.region), next(world._people)
    today = localdate(now())
    row = actions.set_shared_document(
        region, names=[f"旧证件 {n}"], holder="演示库", available_on=today, by=SYSTEM, at=now()
    )
    path = f"/workbench/shared-documents/{row.pk}"
    return Wish(world.session("editor"), path, _sharing_fields(world, n), world.session("clerk"))


def _term(world: World, n: int) -> dict[str, Any]:
    return {
        "key": f"开发区 {n}",
        "code": f"k{n}",
        "label": "开发区级",
        "effective_on": "2026-01-05",
        "reason": "演示用的通知",
    }


def _calendar_day(world: World) -> Wish:
    day = f"2026-12-{next(world._days):02d}"
    fields = {"on": day, "is_workday": "0", "name": "停电", "reason": "演示用的通知"}
    return Wish(world.session("system_admin"), "/workbench/calendar/day", fields)


def _announce(world: World) -> Wish:
    year = 2030 + next(world._days)
    fields = {"year": str(year), "notice": "演示用的通知", "lines": f"{year}-01-01,休,元旦"}
    return Wish(world.session("system_admin"), "/workbench/calendar/announce", fields)


def _letters(n: int) -> str:
    return chr(ord("A") + n // 26 % 26) + chr(ord("A") + n % 26)


def _at_desk(act: str) -> Callable[[World], Wish]:
    def make(world: World) -> Wish:
        from yimen.hall import actions

        if act == "take":
            fields = {"hall": world.seed.hall, "series": world.seed.series["A"], "item": "", "last_four": ""}
        else:
            _pk, _session, ticket = world.called()
            actions.pass_over(ticket.pk, by=ticket.window.staff, at=now())
            fields = {"hall": world.seed.hall, "ticket": str(ticket.pk)}
        return Wish(world.session("guide"), f"/workbench/desk/{act}", fields, world.session("security_admin"))

    return make


def _added(role: str, path: str, fields: Callable[[World, int], dict[str, Any]]) -> Callable[[World], Wish]:
    """A form that adds something: {hall} and {department} stand for the seed's."""

    def make(world: World) -> Wish:
        department = str(world.staff("clerk").department_id)
        address = "/workbench/" + path.format(hall=world.seed.hall_id, department=department)
        return Wish(world.session(role), address, fields(world, next(world._people)), world.session("clerk"))

    return make


def _center(world: World, n: int) -> dict[str, Any]:
    fields = {
        "parent": world.seed.center,
        "code": f"branch-{n}",
        "name": f"第 {n} 分中心（演示）",
        "letters": _letters(n),
    }
    return fields | {"address": "演示路 2 号", "hours": "工作日 9:00 到 17:00", "phone": "000-00000000"}


def _window_calls(world: World) -> Wish:
    from yimen.hall import setup
    from yimen.hall.models import Hall
    from yimen.ledger.actions import SYSTEM

    n, hall = next(world._people), Hall.objects.get(pk=world.seed.hall_id)
    window = setup.open_window(
        hall, number=n, name=f"{n} 号窗口", kind="integrated", series=[], department=None, by=SYSTEM, at=now()
    )
    fields = {"series": world.seed.series["A"]}
    return Wish(world.session("hall_manager"), f"/workbench/hall/windows/{window.pk}", fields, world.session("clerk"))


def _series_let(world: World) -> Wish:
    from yimen.hall import setup
    from yimen.hall.models import Hall
    from yimen.ledger.actions import SYSTEM

    n, hall = next(world._people), Hall.objects.get(pk=world.seed.hall_id)
    series = setup.open_series(hall, letter=_letters(n), name=f"第 {n} 队", zone="", by=SYSTEM, at=now())
    path = f"/workbench/hall/series/{series.pk}/let"
    return Wish(world.session("hall_manager"), path, {"let": "0"}, world.session("clerk"))


def _hall_alarm(world: World) -> Wish:
    from yimen.hall import setup
    from yimen.hall.models import Hall, HallAlarm
    from yimen.ledger.actions import SYSTEM

    n, hall = next(world._people), Hall.objects.get(pk=world.seed.hall_id)
    series = setup.open_series(hall, letter=_letters(n), name=f"第 {n} 队", zone="", by=SYSTEM, at=now())
    alarm = HallAlarm.objects.create(
        region_id=hall.region_id, hall=hall, series=series, kind="surge", figure=31, raised_at=now()
    )
    fields = {"hall": hall.code, "answer": "已加开窗口"}
    return Wish(
        world.session("hall_manager"), f"/workbench/hall/now/alarms/{alarm.pk}/answer", fields, world.session("clerk")
    )


def _hall_lend(world: World) -> Wish:
    from yimen.hall import setup
    from yimen.hall.models import Hall
    from yimen.ledger.actions import SYSTEM

    n, hall = next(world._people), Hall.objects.get(pk=world.seed.hall_id)
    window = setup.open_window(hall, number=n, name=f"{n} 号窗口", by=SYSTEM, at=now())
    fields = {"hall": hall.code, "window": str(window.pk), "series": str(world.seed.series["A"])}
    return Wish(world.session("hall_manager"), "/workbench/hall/now/lend", fields, world.session("clerk"))


def _hall_merge(world: World) -> Wish:
    from yimen.hall import setup
    from yimen.hall.models import Hall
    from yimen.ledger.actions import SYSTEM

    center = Hall.objects.select_related("center").get(pk=world.seed.hall_id).center
    halls = [
        setup.open_hall(center, code=f"zz{next(world._people)}", name="要合并的大厅", by=SYSTEM, at=now())
        for _n in range(2)
    ]
    fields = {"source": str(halls[0].pk), "into": str(halls[1].pk)}
    return Wish(world.session("hall_manager"), "/workbench/hall/merge", fields, world.session("clerk"))


def _series_item(world: World) -> Wish:
    item, _draft = _item_version(world)
    path = f"/workbench/hall/series/{world.seed.series['A']}"
    return Wish(world.session("hall_manager"), path, {"add": str(item.pk)}, world.session("clerk"))


def _local_rule(world: World) -> Wish:
    day = localdate(now()) + timedelta(days=next(world._people))
    fields = {"key": "reconsideration_days", "value": "60", "effective_on": day.isoformat(), "reason": "演示用的通知"}
    return Wish(world.session("system_admin"), "/workbench/rules", fields, world.session("clerk"))


def _synonym_delete(world: World) -> Wish:
    from yimen.catalog import actions
    from yimen.ledger.actions import SYSTEM

    word = f"说法{next(world._people)}"
    actions.save_synonym(world.seed.region, actions.SynonymDraft(word, ("叫法",)), by=SYSTEM, at=now())
    return Wish(world.session("editor"), "/workbench/words/delete", {"word": word}, world.session("clerk"))


def _miss_settle(world: World) -> Wish:
    from yimen.catalog import actions
    from yimen.catalog.models import SearchMiss

    text = f"没有的事{next(world._people)}"
    actions.note_miss(text, world.seed.region, at=now())
    miss = SearchMiss.objects.get(text=text)
    return Wish(world.session("editor"), f"/workbench/words/misses/{miss.pk}/settle", {}, world.session("clerk"))


def _inquiry_close(world: World) -> Wish:
    from yimen.catalog import actions
    from yimen.ledger.actions import PUBLIC

    one = actions.leave_inquiry(world.seed.region, "演示提问", "", by=PUBLIC, at=now())
    path = f"/workbench/words/questions/{one.pk}/close"
    return Wish(world.session("editor"), path, {"answer": "演示回复"}, world.session("clerk"))


def _ask(world: World) -> Wish:
    return Wish("", "/ask", {"text": f"演示提问 {next(world._people)}", "phone": ""}, public=True)


def _power_draft(world: World, *, none: bool = False) -> Any:
    """A draft of the power list with a power of its own, and that power's code; none: make room for a new draft."""
    from yimen.catalog.actions import powers
    from yimen.catalog.models import PowerList
    from yimen.ledger.actions import SYSTEM
    from yimen.people.models import Region

    region, code = Region.objects.get(pk=world.seed.region), f"52010{next(world._people):04d}000"
    draft = PowerList.objects.filter(region=region, published_at=None).first()
    draft = draft or powers.begin_power_list(region, name="演示清单", by=SYSTEM, at=now())
    power = powers.PowerDraft(code, f"演示职权 {code}", "01")
    powers.save_power(draft, power, by=SYSTEM, at=now())
    if none:
        powers.publish_power_list(draft, effective_on=localdate(now()), by=SYSTEM, at=now())
    return draft, code


def _power_begin(world: World) -> Wish:
    _power_draft(world, none=True)
    return Wish(world.session("editor"), "/workbench/powers/new", {"name": "演示清单"}, world.session("clerk"))


def _power_act(role: str, act: str, fields: Callable[[str], dict[str, Any]]) -> Callable[[World], Wish]:
    def make(world: World) -> Wish:
        draft, code = _power_draft(world)
        return Wish(world.session(role), f"/workbench/powers/{draft.pk}/{act}", fields(code), world.session("clerk"))

    return make


def _today_field(_code: str = "") -> dict[str, Any]:
    return {"effective_on": localdate(now()).isoformat()}


def _power_batch(world: World) -> Wish:
    _draft, code = _power_draft(world)
    fields = {"number": str(next(world._people)), "on": localdate(now()).isoformat(), "document_no": "演示文号"}
    fields["lines"] = f"{code}，取消"
    return Wish(world.session("editor"), "/workbench/powers/batches/new", fields, world.session("clerk"))


def _power_batch_apply(world: World) -> Wish:
    from yimen.catalog.actions import powers
    from yimen.ledger.actions import SYSTEM

    draft, code = _power_draft(world)
    batch = powers.record_batch(
        draft.region, number=next(world._people), on=localdate(now()), document_no="演示文号",
        lines=[powers.BatchLine(code, "cancel")], by=SYSTEM, at=now(),
    )  # fmt: skip
    return Wish(world.session("editor"), f"/workbench/powers/batches/{batch.pk}/apply", {}, world.session("clerk"))


def _enter_hall(world: World) -> Wish:
    item, _draft = _item_version(world)
    fields = {"center": world.seed.center, "on": localdate(now()).isoformat(), "elsewhere": ""}
    path = f"/workbench/entry/items/{item.pk}/enter"
    return Wish(world.session("hall_manager"), path, fields, world.session("clerk"))


def _new_unit(world: World, *, is_bureau: bool = False) -> Any:
    from yimen.ledger.actions import SYSTEM
    from yimen.people import actions
    from yimen.people.models import Region

    n = next(world._people)
    return actions.open_department(
        region=Region.objects.get(pk=world.seed.region), code=f"unit-{n}", name=f"演示单位 {n}", is_bureau=is_bureau,
        by=SYSTEM, at=now(),
    )  # fmt: skip


def _move_in(world: World) -> Wish:
    from yimen.catalog.actions import powers
    from yimen.catalog.models import ServiceItem
    from yimen.faults.seed import make_item
    from yimen.ledger.actions import SYSTEM
    from yimen.people import actions

    unit = _new_unit(world)
    pk, _version = make_item(unit, "immediate", n=next(world._people))
    post = actions.open_post(unit, "演示岗", by=SYSTEM, at=now())
    powers.grant_delegation(
        ServiceItem.objects.get(pk=pk), post=post, acts=["accept", "decide"], letter_no="演示文号", signed_by="演示",
        from_on=localdate(now()), by=SYSTEM, at=now(),
    )  # fmt: skip
    fields = {"center": world.seed.center, "on": localdate(now()).isoformat()}
    path = f"/workbench/entry/units/{unit.pk}/move-in"
    return Wish(world.session("hall_manager"), path, fields, world.session("clerk"))


def _organisation(world: World) -> Wish:
    fields = {"name": f"调整 {next(world._people)}", "on": localdate(now()).isoformat(), "before": "一科\n二科"}
    fields |= {"after": "审批科", "department": "", "document_no": ""}
    return Wish(world.session("system_admin"), "/workbench/organisation/new", fields, world.session("clerk"))


def _transfer(world: World) -> Wish:
    from yimen.faults.seed import make_item

    source, bureau = _new_unit(world), _new_unit(world, is_bureau=True)
    pk, _version = make_item(source, "immediate", n=next(world._people))
    fields = {"target": str(bureau.pk), "on": localdate(now()).isoformat(), "document_no": "演示文号", "items": str(pk)}
    path = f"/workbench/organisation/transfer?source={source.pk}"
    return Wish(world.session("publisher"), path, fields, world.session("clerk"))


def _point(_world: World, n: int) -> dict[str, Any]:
    fields = {"kind": "town", "name": f"第 {n} 便民服务中心（演示）", "code": f"point-{n}"}
    return fields | {"address": "演示村 1 号", "hours": "", "phone": "000-00000000", "center": ""}


def _close_point(world: World) -> Wish:
    from yimen.ledger.actions import SYSTEM
    from yimen.people import points
    from yimen.people.models import Region

    fields = _point(world, next(world._people)) | {"center": None}
    point = points.open_point(region=Region.objects.get(pk=world.seed.region), by=SYSTEM, at=now(), **fields)
    return Wish(world.session("system_admin"), f"/workbench/points/{point.pk}/close", {}, world.session("clerk"))


def _jargon(act: str) -> Callable[[World], Wish]:
    def make(world: World) -> Wish:
        from yimen.catalog.actions import plain
        from yimen.ledger.actions import SYSTEM
        from yimen.people.models import Region

        word = f"演示行话{next(world._people)}"
        editor, clerk = world.session("editor"), world.session("clerk")
        if act == "plain":
            return Wish(editor, "/workbench/plain", {"official": word, "plain": "好懂的话"}, clerk)
        plain.set_word(Region.objects.get(pk=world.seed.region), word, "好懂的话", by=SYSTEM, at=now())
        return Wish(world.session("editor"), f"/workbench/{act}", {"word": word}, world.session("clerk"))

    return make


def _reform(act: str) -> Callable[[World], Wish]:
    """An act on a round of reform that is open and has one draft in it (take-out) or waiting for it (put)."""

    def make(world: World) -> Wish:
        from yimen.catalog.actions import reform
        from yimen.ledger.actions import SYSTEM

        item, draft = _item_version(world)
        opened = reform.open_round(
            item.region, f"第 {next(world._people)} 轮（演示）", begun_on=localdate(now()), by=SYSTEM, at=now()
        )
        if act == "take-out":
            reform.put_in_round(opened, draft, by=SYSTEM, at=now())
        fields = {} if act == "close" else {"version": str(draft.pk)}
        return Wish(world.session("editor"), f"/workbench/reform/{opened.pk}/{act}", fields, world.session("leader"))

    return make


def _round(world: World) -> Wish:
    fields = {"name": f"第 {next(world._people)} 轮（演示）", "begun_on": localdate(now()).isoformat(), "note": ""}
    return Wish(world.session("editor"), "/workbench/reform/new", fields, world.session("leader"))


def _merge(world: World) -> Wish:
    from yimen.catalog.models import ServiceItem
    from yimen.faults.seed import make_item

    clerk = world.staff("clerk")
    left, right = (
        ServiceItem.objects.get(pk=make_item(clerk.department, "promised", n=next(world._people))[0]) for _n in range(2)
    )
    fields = {"left": str(left.pk), "right": str(right.pk), "promised": ""}
    return Wish(world.session("editor"), "/workbench/reform/merge", fields, world.session("leader"))


def _rule_edition(world: World, *, approved: bool) -> Any:
    from yimen.centre import actions
    from yimen.ledger.actions import SYSTEM

    clerk, n = world.staff("clerk"), next(world._people)
    edition = actions.open_document(
        clerk.region, clerk.department, number=f"ZD-{n}", title="首问负责制（演示）", kind="rule", text="谁接谁办。",
        effective_on=localdate(now()), by=SYSTEM, at=now(),
    )  # fmt: skip
    if approved:
        actions.approve(edition.document, 1, by=SYSTEM, at=now())
    return edition


def _rule_act(role: str, act: str, fields: dict[str, str], *, approved: bool) -> Callable[[World], Wish]:
    def make(world: World) -> Wish:
        edition, stranger = _rule_edition(world, approved=approved), world.session("clerk")
        path = f"/workbench/rulebook/{edition.document_id}/{act}"
        today = localdate(now()).isoformat()
        filled = {name: value.replace("{today}", today) for name, value in fields.items()}
        return Wish(world.session(role), path, filled, stranger)

    return make


def _rule_new(world: World) -> Wish:
    clerk, n = world.staff("clerk"), next(world._people)
    fields = {"number": f"ZD-{n}", "title": "首问负责制（演示）", "kind": "rule", "text": "谁接谁办。"}
    fields |= {"department": str(clerk.department_id), "effective_on": localdate(now()).isoformat()}
    return Wish(world.session("hall_manager"), "/workbench/rulebook/new", fields, world.session("clerk"))


def _message(world: World, *, sent: bool = False) -> Any:
    """A notice to somebody that waits to be sent, or was sent."""
    from yimen.catalog.models import ServiceItem
    from yimen.ledger.actions import SYSTEM
    from yimen.notify import actions
    from yimen.notify.models import Message
    from yimen.people.models import Applicant

    item = ServiceItem.objects.get(pk=world.seed.items["immediate"])
    n = next(world._people)
    one = Applicant.objects.get(pk=world.seed.applicants[n % len(world.seed.applicants)])
    actions.opt_out(one, False, by=SYSTEM, at=now())
    wish = actions.Wish(one.pk, f"trial-{n}", localdate(now()), "提醒（演示）", "可以办了。")
    actions.propose(item, [wish], by=SYSTEM, at=now())
    message = Message.objects.get(occasion=wish.occasion, item=item)
    if sent:
        actions.send(item.region_id, [message.pk], by=SYSTEM, at=now())
    return message


def _notice(act: str) -> Callable[[World], Wish]:
    def make(world: World) -> Wish:
        message = _message(world, sent=act == "opt-out")
        name = "who" if act == "opt-out" else "message"
        path = f"/workbench/proactive/{message.item_id}/{act}"
        return Wish(world.session("clerk"), path, {name: str(message.pk)}, world.session("editor"))

    return make


def _find_due(world: World) -> Wish:
    from yimen.catalog.models import ItemVersion, ServiceItem
    from yimen.faults.seed import make_item

    pk, version = make_item(world.staff("clerk").department, "immediate", n=next(world._people))
    ItemVersion.objects.filter(pk=version).update(due_rule={"kind": "age", "years": 80})
    item = ServiceItem.objects.get(pk=pk)
    return Wish(world.session("clerk"), f"/workbench/proactive/{item.pk}/find", {}, world.session("editor"))


def _due_rule(world: World) -> Wish:
    item, _draft = _item_version(world)
    fields = {"kind": "age", "years": "80", "months": "", "before_days": ""}
    return Wish(world.session("editor"), f"/workbench/proactive/{item.pk}/rule", fields, world.session("clerk"))


def _called_up(world: World) -> Wish:
    from yimen.notify.models import Delivery

    delivery = Delivery.objects.get(message=_message(world, sent=True), channel="outbox")
    path = f"/workbench/proactive/calls/{delivery.pk}"
    return Wish(world.session("clerk"), path, {"reached": "1"}, world.session("editor"))


def _list_sent(act: str) -> Callable[[World], Wish]:
    """A list of one item that waits to be taken."""

    def make(world: World) -> Wish:
        from yimen.catalog.importers import Mode
        from yimen.exchange import incoming

        n, editor = next(world._people), world.staff("editor")
        row = f"11500000MB2D06811W45020{n:05d}777,清单里的事项 {n}（演示）,公共服务,{editor.department.name}"
        content = f"实施编码,事项名称,事项类型,实施主体\n{row}\n".encode()
        waiting = incoming.bring(content, "list.csv", mode=Mode.DRAFT, by=editor, at=now())
        fields = {"seen": incoming.mark_of(waiting)}
        if act == "check":
            keys = [waiting.mapping[heading] for heading in waiting.headings]
            fields = {f"column-{at}": key for at, key in enumerate(keys)}
        path = f"/workbench/items/imports/{waiting.pk}/{act}"
        return Wish(world.session("editor"), path, fields, world.session("clerk"))

    return make


def _visit(act: str) -> Callable[[World], Wish]:
    """A visit that waits for a call, agreed for a minute ago, or looked at through."""

    def make(world: World) -> Wish:
        from yimen.cases.models import SiteVisit, Task, VisitAnswer
        from yimen.catalog.models import CheckPoint

        case = world.case("accepted", "promised")
        task = Task.objects.create(
            region_id=case.region_id, case=case, department=case.department, step_key="visit", name="现场核查",
            kind="visit", post="勘察岗", opened_at=now(), due_on=case.due_on,
        )  # fmt: skip
        visit = SiteVisit.objects.create(
            region_id=case.region_id, case=case, task=task, asked_at=now(), call_by=now() + timedelta(hours=2)
        )
        pair = [world.staff("surveyor"), world.staff("surveyor-two")]
        fields: dict[str, Any] = {"how": "cancelled", "reason": "店里停电，改天再约。"}
        if act == "plan":
            when = now() + timedelta(days=3 + next(world._people))
            fields = {"planned_for": f"{when:%Y-%m-%dT%H:%M}", "address": "演示路 2 号"}
            fields["surveyor"] = [str(one.pk) for one in pair]
        if act == "close":
            point = CheckPoint.objects.get_or_create(version=case.version, position=1, defaults={"text": "地面干净"})[0]
            visit.surveyors.set(pair)
            visit.status, visit.planned_for, visit.address = SiteVisit.Status.AGREED, now(), "演示路 2 号"
            visit.save()
            VisitAnswer.objects.create(region_id=case.region_id, visit=visit, point=point, finding="passed")
            fields = {"signed_by": "王小明"}
        return Wish(world.session("surveyor"), f"/workbench/visits/{visit.pk}/{act}", fields, world.session("approver"))

    return make


def _heard(act: str) -> Callable[[World], Wish]:
    """A running case whose hearing has come as far as `act` needs."""

    def make(world: World) -> Wish:
        from yimen.cases import actions
        from yimen.cases.models import Hearing

        case, approver, leader = world.case("accepted", "promised"), world.staff("approver"), world.staff("leader")
        path, fields = f"hearing/{act}", {"subject": "油烟和噪声关系到楼上住户。"}
        if act == "parties":
            path, fields = "parties", {"name": "李楼上（演示）", "interest": "住在楼上"}
        if act == "heard":
            one = actions.add_party(case.pk, name="李楼上（演示）", interest="住在楼上", by=approver, at=now())
            path, fields = f"parties/{one.pk}", {"statement": "晚上太吵，睡不着。"}
        if act in {"answer", "call", "hold"}:
            actions.tell_hearing_right(case.pk, subject="油烟和噪声关系到楼上住户。", by=approver, at=now())
            fields = {"wants": "yes"}
        when = now() + timedelta(days=9)
        if act in {"call", "hold"}:
            actions.answer_hearing_right(case.pk, wants=True, by=approver, at=now())
            fields = {"planned_for": f"{when:%Y-%m-%dT%H:%M}", "place": "二楼", "chair": str(leader.pk)}
        if act == "hold":
            actions.call_hearing(case.pk, planned_for=when, place="二楼", chair=leader, by=approver, at=now())
            Hearing.objects.filter(case=case).update(planned_for=now())
            fields = {"record": "双方都说了话，出示了合同，没有别的意见。", "signed_by": f"{leader.name}\n王小明"}
        stranger = world.session("surveyor")
        return Wish(world.session("approver"), f"/workbench/cases/{case.query_no}/{path}", fields, stranger)

    return make


def _citizen(act: str) -> Callable[[World], Wish]:
    """A browser that has opened its case by number and telephone."""

    def make(world: World) -> Wish:
        from django.contrib.sessions.backends.db import SessionStore

        from yimen.cases import actions
        from yimen.cases.models import SiteVisit, Task

        case = world.case("accepted", "promised")
        if act == "hearing":
            actions.tell_hearing_right(case.pk, subject="油烟和噪声关系到楼上。", by=world.staff("approver"), at=now())
        else:
            task = Task.objects.create(
                region_id=case.region_id, case=case, department=case.department, step_key="visit", name="现场核查",
                kind="visit", post="勘察岗", opened_at=now(), due_on=case.due_on,
            )  # fmt: skip
            SiteVisit.objects.create(
                region_id=case.region_id, case=case, task=task, asked_at=now(), call_by=now() + timedelta(hours=2)
            )
        store = SessionStore()
        store["opened_cases"] = {case.query_no: [str(case.pk), (now() + timedelta(hours=1)).timestamp()]}
        store.create()
        fields = {"wants": "yes"} if act == "hearing" else {"wish": "后天上午"}
        return Wish(
            str(store.session_key), f"/cases/{case.query_no}/{act}", fields, world.session("clerk"), public=True
        )

    return make


def _handled(act: str) -> Callable[[World], Wish]:
    """A case that has come as far as `act` needs: a gap, a commitment, a step done, another unit that has it."""

    def make(world: World) -> Wish:
        from yimen.cases import actions
        from yimen.cases.models import Commitment, GapPromise, HandlingMode

        if act == "commit":
            case = world.case("received", "promised", complete=False)
            type(case.version).objects.filter(pk=case.version_id).update(extended={"commitment_materials": ["身份证"]})
            fields = {"material": str(case.materials.get(material__name="身份证").pk)}
            fields["text"] = "我承诺身份信息属实，不实愿意承担撤销决定的后果。"
            path = f"/workbench/cases/{case.query_no}/commit"
            return Wish(world.session("clerk"), path, fields, world.session("clerk-free"))
        case, approver = world.case("accepted", "promised"), world.staff("approver")
        path, fields, role = act, {}, "approver"
        due_on = localdate(now()) + timedelta(days=3)
        if act == "gap":
            gap = GapPromise.objects.create(
                region_id=case.region_id, case=case, material=case.materials.all()[0], promised_at=now(), due_on=due_on
            )
            path, fields, role = f"gaps/{gap.pk}", {"form": "original"}, "clerk"
        if act == "commitment":
            Commitment.objects.create(
                region_id=case.region_id, case=case, text="我承诺属实。", signed_at=now(), check_by=due_on
            )
            type(case).objects.filter(pk=case.pk).update(handling_mode=HandlingMode.COMMITMENT)
            fields = {"is_kept": "yes", "findings": "现场看过，属实"}
        if act == "send-back":
            task = case.tasks.get(step_key="review")
            actions.complete_task(task.pk, outcome="passed", opinion="", by=approver, at=now())
            fields = {"step": "review", "reason": "图纸缺一页，请补看。"}
        if act.startswith("move"):
            unit = _new_unit(world)
            fields = {"kind": "unit", "receiver": str(unit.pk), "reason": "请协助核对场地。"}
        if act in {"move/receive", "move/return"}:
            actions.move(case.pk, kind="unit", receiver=unit, reason="请协助核对场地。", by=approver, at=now())
            receiver, session = _approver_at(world, unit)
            fields = {}
            if act == "move/return":
                actions.receive_move(case.pk, by=receiver, at=now())
                fields = {"outcome": "passed", "opinion": "场地核对过了。"}
            return Wish(session, f"/workbench/cases/{case.query_no}/{path}", fields, world.session("surveyor"))
        stranger = world.session("clerk-free" if role == "clerk" else "surveyor")
        return Wish(world.session(role), f"/workbench/cases/{case.query_no}/{path}", fields, stranger)

    return make


def _approver_at(world: World, unit: Any) -> tuple[Any, str]:
    from yimen.faults.seed import session_of
    from yimen.ledger.actions import SYSTEM
    from yimen.people import actions

    n = next(world._people)
    one = actions.open_account(
        region=unit.region, department=unit, number=f"{n:05d}", name="对方的人（演示）", username=f"demo-{n}",
        password=None, by=SYSTEM, at=now(), must_change_password=False,
    )  # fmt: skip
    actions.grant_role(one, "approver", department=unit, by=SYSTEM, at=now())
    return one, session_of(one)


def _refused(world: World) -> Any:
    """A refused case of an item of its own: a bar on the common one would keep the other trials from it."""
    from yimen.cases import actions
    from yimen.catalog.models import ItemVersion
    from yimen.faults.seed import make_item
    from yimen.ledger.actions import SYSTEM
    from yimen.people.models import Applicant, ServiceCenter

    clerk = world.staff("clerk")
    _item, pk = make_item(clerk.department, "immediate", n=next(world._people))
    version = ItemVersion.objects.select_related("item__department").get(pk=pk)
    actions.flag_public_safety(
        version.item, True, effective_on=localdate(now()), reason="关系公共安全", by=SYSTEM, at=now()
    )
    case = actions.receive(
        version, Applicant.objects.get(pk=world.seed.applicants[0]),
        center=ServiceCenter.objects.get(pk=world.seed.center),
        materials={one.pk: actions.Handed("complete") for one in version.materials.all()}, by=clerk, at=now(),
    )  # fmt: skip
    actions.accept(case.pk, by=clerk, at=now())
    return actions.decide(case.pk, outcome="refused", reasons="报告是假的，不予许可。", by=clerk, at=now())


def _result(act: str) -> Callable[[World], Wish]:
    """A case whose result has come as far as `act` needs: a fee, a certificate, a refusal, a bar."""

    def make(world: World) -> Wish:
        from yimen.cases import actions
        from yimen.catalog.models import ItemFee
        from yimen.certificates import actions as certificates
        from yimen.ledger.actions import SYSTEM

        clerk, leader = world.staff("clerk"), world.staff("leader")
        role, fields = "clerk", dict[str, Any]()
        if act.startswith("fee"):
            case = world.case("accepted")
            fee = ItemFee.objects.get_or_create(
                version=case.version, position=0,
                defaults={"name": "工本费", "standard": "每证 10 元", "basis": "《演示条例》第三条"},
            )[0]  # fmt: skip
            path, fields = f"cases/{case.query_no}/fees", {"fee": str(fee.pk), "amount": "10"}
            if act != "fee":
                slip = actions.issue_fee(case.pk, fee.pk, amount="10", by=clerk, at=now())
                path += f"/{slip.pk}/{'pay' if act == 'fee-pay' else 'change'}"
                fields = {"channel": "cash"} if act == "fee-pay" else {"what": "cancel", "reason": "开错了，要重新开。"}
        elif act in {"certificate", "revoke"}:
            case = world.case("completed")
            path, role = f"cases/{case.query_no}/{act}", "clerk" if act == "certificate" else "leader"
            fields = {"ground": "not_entitled", "finding": "申请时不符合条件。"} if act == "revoke" else {}
        elif act == "publicity":
            case, role, path = world.case("completed"), "leader", "publicity/uploaded"
            case.item.item_type = "01"
            case.item.save(update_fields=["item_type"])
            fields = {"notice": str(case.notices.get(kind="decision").pk)}
        elif act in {"renewal", "change", "reissue"}:
            case = world.case("received")
            held = certificates.issue(
                case.item, case.applicant, name="演示许可证", series="YS", valid_from=localdate(now()),
                valid_until=localdate(now()) + timedelta(days=90), by=SYSTEM, at=now(),
            )  # fmt: skip
            path = f"cases/{case.query_no}/renewal" if act == "renewal" else f"certificates/{held.pk}/{act}"
            fields = {"certificate": held.number, "state": "lost", "ground": "持证人说丢了。"}
        elif act in {"bar", "lift"}:
            case, role = _refused(world), "leader"
            path = f"cases/{case.query_no}/bar"
            fields = {"ground": "false_materials", "finding": "报告的编号查不到。"}
            if act == "lift":
                bar = actions.set_bar(case.pk, **fields, by=leader, at=now())
                path, fields = f"bars/{bar.pk}/lift", {"reason": "复核后发现有误。"}
        else:
            item, _draft = _item_version(world)
            role, path = ("system_admin", "bars/safety") if act == "safety" else ("leader", "quotas/set")
            fields = {"item": str(item.pk), "flag": "1", "reason": "关系公共安全"}
            fields |= {"number": "3", "basis": "《演示条例》第九条"}
        stranger = world.session("surveyor" if role != "leader" else "approver")
        return Wish(world.session(role), f"/workbench/{path}", fields, stranger)

    return make


def _words(world: World, *, kind: str) -> Any:
    """A draft of a place's words for one kind of document, by somebody new."""
    from yimen.cases.actions import templates

    editor, _session = world.new_staff("editor")
    day = localdate(now()) + timedelta(days=1)
    return templates.save_template(
        editor.region, kind, {"opening": [f"您好{next(world._people)}。"]}, effective_on=day, by=editor, at=now()
    )


def _words_act(act: str, kind: str, role: str) -> Callable[[World], Wish]:
    def make(world: World) -> Wish:
        fields = {"template": str(_words(world, kind=kind).pk)}
        return Wish(world.session(role), f"/workbench/templates/{kind}/{act}", fields, world.session("clerk"))

    return make


def _words_edit(world: World) -> Wish:
    fields = {
        "opening": f"您好{next(world._people)}。", "closing": "", "query": "查进度：{site}", "contact": "电话 {phone}",
        "seal": "行政审批专用章", "effective_on": (localdate(now()) + timedelta(days=1)).isoformat(), "change": "",
    }  # fmt: skip
    return Wish(world.session("editor"), "/workbench/templates/stop/edit", fields, world.session("clerk"))


def _kept(act: str, role: str, fields: dict[str, str], *, is_asked: bool = False) -> Callable[[World], Wish]:
    """An archive whose retention is over: its act."""

    def make(world: World) -> Wish:
        from yimen.cases.actions import archiving
        from yimen.cases.models import ArchivePackage

        case = world.case("completed")
        row = ArchivePackage.objects.create(
            region_id=case.region_id, case=case, number=f"演档〔2000〕{next(world._people)}号", made_at=now(), head="",
            notice_count=0, entry_count=0, path=f"archives/none/{case.pk}.zip", sha256="0" * 64, size=0,
            keep_until=localdate(now()) - timedelta(days=1),
        )  # fmt: skip
        if is_asked:
            keeper, _session = world.new_staff("hall_manager")
            archiving.ask_deletion(row.pk, ground="保管期限届满（演示）", by=keeper, at=now())
        return Wish(world.session(role), f"/workbench/archive/{row.pk}/{act}", fields, world.session("clerk"))

    return make


def _retention(world: World) -> Wish:
    fields = {"item": "", "years": str(next(world._people) % 90 + 1), "basis": "演示档案文件"}
    fields["effective_on"] = (localdate(now()) + timedelta(days=next(world._people))).isoformat()
    return Wish(world.session("hall_manager"), "/workbench/archive/rules", fields, world.session("clerk"))


def _own_window(world: World) -> tuple[Any, Any, str]:
    """A window of its own with somebody new signed in: the window, him, his session."""
    from yimen.hall import actions
    from yimen.hall.models import Hall, Window

    hall = Hall.objects.get(pk=world.seed.hall_id)
    number = Window.objects.filter(hall=hall).count() + 1
    window = Window.objects.create(region_id=hall.region_id, hall=hall, number=number, name=f"{number} 号窗口")
    one, session = world.new_staff("clerk")
    return actions.sign_in(window.pk, by=one, at=now()), one, session


def _away(act: str) -> Callable[[World], Wish]:
    """Leaving a window for a while and coming back."""

    def make(world: World) -> Wish:
        from yimen.hall import actions

        window, one, session = _own_window(world)
        fields = {"reason": "break", "window": str(window.pk)}
        if act == "resume":
            actions.pause(window.pk, reason="break", by=one, at=now())
        return Wish(session, f"/workbench/window/{act}", fields, world.new_staff("clerk")[1])

    return make


def _in_hand(act: str) -> Callable[[World], Wish]:
    """A step that waits at the unit: taken, handed on by who has it, or among many."""

    def make(world: World) -> Wish:
        from yimen.cases import actions

        case = world.case("accepted", "promised")
        task, approver = case.tasks.get(step_key="review"), world.staff("approver")
        path, fields = f"/workbench/cases/{case.query_no}/tasks/{task.pk}/{act}", {}
        if act == "bulk":
            path, fields = "/workbench/bulk/do", {"act": "take", "id": str(task.pk)}
        if act == "hand":
            actions.take_task(task.pk, by=approver, at=now())
            fields = {"to": str(world.staff("surveyor").pk), "reason": "load"}
        return Wish(world.session("approver"), path, fields, world.session("surveyor"))

    return make


def _kept_words(act: str) -> Callable[[World], Wish]:
    def make(world: World) -> Wish:
        from yimen.cases import actions

        n, path = next(world._people), "/workbench/opinions/new"
        fields = {"act": "passed", "title": f"符合 {n}", "text": "经审查，符合要求。"}
        if act:
            one = actions.save_opinion("passed", f"旧的 {n}", "符合。", by=world.staff("approver"), at=now())
            path = f"/workbench/opinions/{one.pk}" + ("/remove" if act == "remove" else "")
        return Wish(world.session("approver"), path, fields, world.session("surveyor"))

    return make


def _kept_list(act: str) -> Callable[[World], Wish]:
    def make(world: World) -> Wish:
        from yimen.cases import lists

        name, path = f"列表 {next(world._people)}", "/workbench/lists/new"
        fields = {"place": "cases", "name": name, "status": "accepted"}
        if act == "drop":
            values = {"status": "accepted"}
            one = lists.save_filter("cases", name, values, is_shared=False, by=world.staff("approver"), at=now())
            path, fields = f"/workbench/lists/{one.pk}/remove", {}
        return Wish(world.session("approver"), path, fields, world.session("surveyor"))

    return make


def _cover(act: str) -> Callable[[World], Wish]:
    """B posts: set for somebody new, begun and ended by who leads."""

    def make(world: World) -> Wish:
        from yimen.people import covers

        (a, _session), (b, _other) = world.new_staff("clerk"), world.new_staff("clerk")
        leader = world.staff("leader")
        fields = {"primary": str(a.pk), "stand_in": str(b.pk)}
        if act != "set":
            covers.set_stand_in(a.pk, b.pk, by=leader, at=now())
        if act == "end":
            fields = {"cover": str(covers.begin(a.pk, reason="", by=leader, at=now()).pk)}
        return Wish(world.session("leader"), f"/workbench/covers/{act}", fields, world.session("surveyor"))

    return make


def _supervised(act: str) -> Callable[[World], Wish]:
    """A card given by hand, answered, appealed, decided upon; a rule set; leaders' walk-throughs."""

    def make(world: World) -> Wish:
        from yimen.supervision import actions
        from yimen.supervision.models import WalkThrough

        n = next(world._people)
        watcher, watching = world.new_staff("supervisor")
        named, answering = world.new_staff("clerk")
        leader, leading = world.new_staff("leader")
        stranger = world.session("surveyor")
        day = f"{localdate(now()) + timedelta(days=n):%Y-%m-%d}"
        if act == "rule":
            fields = {"trigger": "near_limit", "colour": "reminder", "days_left": "2"}
            fields |= {"effective_on": day, "basis": "演示"}
            return Wish(watching, "/workbench/supervision/rules", fields, stranger)
        if act == "begin":
            return Wish(watching, "/workbench/walks/begin", {"name": f"第 {n} 轮（演示）", "due_on": day}, stranger)
        if act == "walk":
            due_on = localdate(now()) + timedelta(days=30)
            actions.begin_campaign(world.seed.region, f"第 {n} 轮（演示）", due_on=due_on, by=watcher, at=now())
            walk = WalkThrough.objects.filter(leader=leader).latest("assigned_at")
            fields = {"done_on": str(localdate(now())), "minutes": "40", "report": "窗口说得很清楚。"}
            return Wish(leading, f"/workbench/walks/{walk.pk}", fields, stranger)
        case = world.case("accepted", "promised")
        if act == "give":
            fields = {"trigger": "other", "colour": "yellow", "card_facts": f"第 {n} 次让人多跑（演示）。"}
            return Wish(watching, f"/workbench/cases/{case.query_no}/card", fields, stranger)
        card = actions.give_by_hand(
            case.pk, trigger="other", colour="yellow", facts=f"第 {n} 次让人多跑（演示）。", handler=named.pk,
            by=watcher, at=now(),
        )  # fmt: skip
        path, session = f"/workbench/cards/{card.pk}/{act}", answering
        said = {"text": "说明没有讲清楚。", "correction": "当天上门补办。"}
        fields = {"appeal": "不是窗口的责任。"} if act == "appeal" else said
        if act == "decide":
            actions.answer(card.pk, **said, by=named, at=now())
            session, fields = watching, {"act": "closed", "reasons": "整改到位，予以办结。"}
        return Wish(session, path, fields, stranger)

    return make


def _batch_plan(world: World) -> Wish:
    from yimen.catalog.models import ServiceItem

    _pk, session, _clerk = world.window()
    item = ServiceItem.objects.get(pk=world.seed.items["immediate"])
    fields = {
        "name": f"第 {next(world._people)} 批（演示）", "item": item.task_code, "on": localdate(now()).isoformat(),
        "place": "礼堂（演示）", "units": "人社局（演示）", "checklist": "打印机",
    }  # fmt: skip
    return Wish(session, "/workbench/together/batches/plan", fields, world.session("clerk-free"))


def _batch_receive(world: World) -> Wish:
    from yimen.cases.actions import batches
    from yimen.catalog.models import ItemVersion
    from yimen.people.models import ServiceCenter

    clerk, version = world.staff("clerk"), ItemVersion.objects.select_related("item__department")
    batch = batches.plan_batch(
        version.get(pk=world.seed.versions["immediate"]), center=ServiceCenter.objects.get(pk=world.seed.center),
        name="集中办理（演示）", on=localdate(now()), place="礼堂（演示）",
        units=["人社局（演示）"], checklist=["打印机"], by=clerk, at=now(),
    )  # fmt: skip
    people = [world.person() for _ in range(2)]
    listed = [batches.Listed(n, one["name"], one["id_number"], one["phone"]) for n, one in enumerate(people, 2)]
    batches.put_list(batch.pk, listed, by=clerk, at=now())
    path = f"/workbench/together/batches/{batch.pk}/receive"
    return Wish(world.session("clerk"), path, world.materials(), world.session("clerk-free"))


def _bundle_receive(world: World) -> Wish:
    from yimen.catalog.actions.bundles import BundleLine, publish_bundle, save_bundle
    from yimen.ledger.actions import SYSTEM

    _pk, session, clerk = world.window()
    lines = [BundleLine(key, UUID(world.seed.items[key])) for key in ("immediate", "promised")]
    code = f"bundle-{next(world._people)}"
    bundle = save_bundle(lead=clerk.department, code=code, name="一件事（演示）", lines=lines, by=SYSTEM, at=now())
    publish_bundle(bundle.pk, by=SYSTEM, at=now())
    path = f"/workbench/together/bundles/{code}/received"
    return Wish(session, path, world.person(), world.session("clerk-free"))


def _around(act: str) -> Callable[[World], Wish]:
    """People around a case: what each act needs to be there before it."""

    def make(world: World) -> Wish:
        from yimen.cases import actions
        from yimen.people.models import ServiceCenter

        case, n = world.case("accepted", "promised"), next(world._people)
        clerk, approver, leader = world.staff("clerk"), world.staff("approver"), world.staff("leader")
        path, role = f"/workbench/cases/{case.query_no}/{act}", "clerk"
        fields: dict[str, Any] = {}
        match act:
            case "priority":
                fields = {"kind": "urgent", "reason": "exam"}
            case "priority/ticket":
                path, fields = f"/workbench/{act}", {"kind": "urgent", "reason": "exam", "label": world.ticket().label}
            case "priority/end":
                grant = actions.ask_priority("urgent", "exam", case_id=case.pk, by=clerk, at=now())
                actions.answer_priority(grant.pk, is_granted=True, by=leader, at=now())
                path = f"/workbench/cases/{case.query_no}/priority/{grant.pk}/end"
                role, fields = "leader", {"end_reason": "材料已经补齐，不急了。"}
            case "priority/answer":
                grant = actions.ask_priority("urgent", "exam", case_id=case.pk, by=clerk, at=now())
                path, role, fields = f"/workbench/priority/{grant.pk}", "leader", {"answered": "yes"}
            case "agent/new":
                fields = {"kind": "helper", "number": clerk.number, "consent": "当面签了代办单"}
            case "agent/act" | "agent/end":
                actions.start_agent(case.pk, "helper", staff=clerk, consent="当面签了代办单", by=clerk, at=now())
                fields = {"what": "form"} if act == "agent/act" else {}
            case "guidance/new":
                path = f"/workbench/{act}"
                fields = {"item": str(case.item_id), "who": f"小店 {n}", "advice": "先改好水池再来申请。"}
            case "guidance":
                center, case = ServiceCenter.objects.get(pk=world.seed.center), world.case("received", "promised")
                told = actions.note_guidance(
                    case.item, f"小店 {n}", "先改好水池再来申请。", center=center, by=clerk, at=now()
                )
                path, fields = f"/workbench/cases/{case.query_no}/{act}", {"guidance": str(told.pk)}
            case "team/new":
                role = "leader"
                fields = {"name": f"专班 {n}", "members": f"{clerk.number} 收件\n{approver.number} 审查"}
            case "team/change":
                members = [(clerk, "收件"), (approver, "审查")]
                team = actions.form_team(f"专班 {n}", members, case_id=case.pk, by=leader, at=now())
                path, role = f"/workbench/teams/{team.pk}", "leader"
                fields = {"what": "join", "number": leader.number, "duty": "牵头"}
            case "recusal/new":
                fields = {"asker": "applicant", "number": approver.number, "reason": "申请人是他的姐夫。"}
            case "recusal/answer":
                reason = "申请人是他的姐夫。"
                asked = actions.ask_recusal(case.pk, approver, reason, asker="applicant", by=clerk, at=now())
                path = f"/workbench/cases/{case.query_no}/recusal/{asked.pk}"
                role, fields = "leader", {"answered": "no"}
            case _other:
                path, role, fields = _expert(act, case, n, approver, leader)
        return Wish(world.session(role), path, fields, world.session("guide"))

    return make


def _expert(act: str, case: Any, n: int, approver: Any, leader: Any) -> tuple[str, str, dict[str, Any]]:
    """The path, the role and the fields for one act on the directory, or on a question to an expert."""
    from yimen.cases import actions

    if act == "experts/new":
        return f"/workbench/{act}", "leader", {"name": f"专家 {n}", "organisation": "设计院", "fields_known": "消防"}
    expert = actions.add_expert(f"专家 {n}", "设计院", ["消防"], by=leader, at=now())
    if act == "experts/retire":
        return f"/workbench/experts/{expert.pk}/retire", "leader", {}
    question = "排烟管要离窗户几米？"
    if act == "expert/new":
        fields = {"expert": str(expert.pk), "question": question}
        return f"/workbench/cases/{case.query_no}/{act}", "approver", fields
    asked = actions.ask_expert(case.pk, expert.pk, question, by=approver, at=now())
    return f"/workbench/cases/{case.query_no}/expert/{asked.pk}", "approver", {"advice": "不少于二十米。"}


TRIED: dict[str, Callable[[World], Wish]] = {
    **kiosk_acts.TRIED,
    "workbench:hall-alarm-answer": _hall_alarm,
    "workbench:hall-lend": _hall_lend,
    "workbench:hall-merge": _hall_merge,
    "workbench:batch-plan": _batch_plan,
    "workbench:batch-receive": _batch_receive,
    "workbench:bundle-receive": _bundle_receive,
    "workbench:case-card": _supervised("give"),
    "workbench:card-answer": _supervised("answer"),
    "workbench:card-appeal": _supervised("appeal"),
    "workbench:card-decide": _supervised("decide"),
    "workbench:supervision-rules": _supervised("rule"),
    "workbench:walks-begin": _supervised("begin"),
    "workbench:walk": _supervised("walk"),
    "workbench:case-fee-issue": _result("fee"),
    "workbench:case-fee-pay": _result("fee-pay"),
    "workbench:case-fee-change": _result("fee-change"),
    "workbench:case-certificate": _result("certificate"),
    "workbench:case-revoke": _result("revoke"),
    "workbench:case-renewal": _result("renewal"),
    "workbench:certificate-change": _result("change"),
    "workbench:certificate-reissue": _result("reissue"),
    "workbench:case-bar": _result("bar"),
    "workbench:bar-lift": _result("lift"),
    "workbench:bar-safety": _result("safety"),
    "workbench:quota-set": _result("quota"),
    "workbench:publicity-mark": _result("publicity"),
    "workbench:window-sign-in": _sign_in,
    "workbench:window-sign-out": _sign_out,
    "workbench:window-call": _call,
    "workbench:window-recall": _at_window("recall"),
    "workbench:window-start": _at_window("start"),
    "workbench:window-finish": _at_window("finish"),
    "workbench:window-pass": _at_window("pass"),
    "workbench:window-receive": _receive,
    "workbench:case-materials": _materials,
    "workbench:case-accept": _on_case("accept", "received", {}),
    "workbench:case-decline": _on_case("decline", "received", {"reasons": "不属于本机关的职权范围。"}),
    "workbench:case-correct": _correct,
    "workbench:case-withdraw": _on_case("withdraw", "received", {"asked": "1"}),
    "workbench:case-stop-open": _on_case(
        "stop",
        "accepted",
        {"ground": "testing", "needed_days": "3", "stop_reason": "空气质量要检测"},
        role="approver",
        kind="promised",
    ),
    "workbench:case-stop-close": _stopped,
    "workbench:case-extension-ask": _on_case(
        "extension",
        "accepted",
        {"extension_reason": "要等上级部门的复函"},
        role="approver",
        kind="promised",
    ),
    "workbench:case-extension-answer": _extension,
    "workbench:case-task": _task,
    "workbench:case-decide": _on_case("decide", "accepted", {"outcome": "granted"}),
    **citizens.TRIED,
    **bookings.TRIED,
    **screens.TRIED,
    **calling_acts.TRIED,
    "workbench:case-deliver": _on_case("deliver", "completed", {"how": "window"}),
    "workbench:people-open": _open_account,
    "workbench:client-end": _system_act("end"),
    "workbench:client-webhook": _system_act("webhooks", url="https://93.184.216.34/told"),
    "workbench:client-webhook-resume": _system_act("webhooks/{webhook}/resume"),
    "workbench:client-webhook-end": _system_act("webhooks/{webhook}/end"),
    "workbench:people-grant": _grant,
    "workbench:people-end-role": _end_role,
    "workbench:people-close": _close,
    "workbench:item-publish": _publish,
    "workbench:item-withdraw": _withdraw,
    "workbench:item-take-back": _take_back,
    "workbench:item-ask": _ask_units,
    "workbench:review-give": _opinion,
    "workbench:basic-new": _added("editor", "basics/new", _basic_fields),
    "workbench:basic-edit": _basic_edit,
    "workbench:shared-document-new": _added("editor", "shared-documents/new", _sharing_fields),
    "workbench:shared-document": _sharing_edit,
    "workbench:dictionary-term": _added("system_admin", "dictionaries/level", _term),
    "workbench:calendar-day": _calendar_day,
    "workbench:calendar-announce": _announce,
    "workbench:desk-take": _at_desk("take"),
    "workbench:desk-put-back": _at_desk("put-back"),
    "workbench:series-new": _added(
        "hall_manager", "hall/{hall}/series/new", lambda _world, n: {"letter": _letters(n), "name": f"第 {n} 队"}
    ),
    "workbench:window-new": _added(
        "hall_manager",
        "hall/{hall}/windows/new",
        lambda world, n: {"number": str(n), "name": f"{n} 号", "kind": "integrated", "series": world.seed.series["A"]},
    ),
    "workbench:hall-window": _window_calls,
    "workbench:series-let": _series_let,
    "workbench:series": _series_item,
    "workbench:hall-new": _added(
        "hall_manager",
        "hall/new",
        lambda world, n: {"center": world.seed.center, "name": f"第 {n} 厅（演示）", "code": f"hall-{n}"},
    ),
    "workbench:center-new": _added("system_admin", "places/centers/new", _center),
    "workbench:department-new": _added(
        "system_admin", "places/departments/new", lambda _world, n: {"name": f"演示局 {n}", "code": f"dept-{n}"}
    ),
    "workbench:department": _added(
        "system_admin", "places/departments/{department}", lambda _world, n: {"name": f"演示岗 {n}"}
    ),
    "workbench:rules": _local_rule,
    "workbench:powers-begin": _power_begin,
    "workbench:powers-publish": _power_act("publisher", "publish", _today_field),
    "workbench:powers-power": _power_act(
        "editor", "power", lambda code: {"code": code, "name": "改了名字", "power_type": "01", "level": "4"}
    ),
    "workbench:powers-drop": _power_act("editor", "drop", lambda code: {"code": code, "reason": "录重了的"}),
    "workbench:powers-batch-new": _power_batch,
    "workbench:powers-batch-apply": _power_batch_apply,
    "workbench:entry-act": _enter_hall,
    "workbench:entry-move-in": _move_in,
    "workbench:organisation-new": _organisation,
    "workbench:organisation-transfer": _transfer,
    "workbench:point-new": _added("system_admin", "points/new", _point),
    "workbench:point-close": _close_point,
    "workbench:plain": _jargon("plain"),
    "workbench:plain-drop": _jargon("plain/drop"),
    "workbench:reform-new": _round,
    "workbench:reform-put": _reform("put"),
    "workbench:reform-take-out": _reform("take-out"),
    "workbench:reform-close": _reform("close"),
    "workbench:merge-processes": _merge,
    "workbench:rulebook-new": _rule_new,
    "workbench:rulebook-edit": _rule_act(
        "hall_manager", "edit", {"text": "第二版。", "change": "", "effective_on": "{today}"}, approved=True
    ),
    "workbench:rulebook-approve": _rule_act("leader", "approve", {"edition": "1"}, approved=False),
    "workbench:rulebook-repeal": _rule_act(
        "leader", "repeal", {"on": "{today}", "reason": "并入新制度"}, approved=True
    ),
    "workbench:rulebook-public": _rule_act("leader", "public", {"is_public": "1"}, approved=True),
    "workbench:import-check": _list_sent("check"),
    "workbench:import-take": _list_sent("take"),
    "workbench:import-drop": _list_sent("drop"),
    "workbench:proactive-find": _find_due,
    "workbench:proactive-send": _notice("send"),
    "workbench:proactive-drop": _notice("drop"),
    "workbench:proactive-opt-out": _notice("opt-out"),
    "workbench:proactive-rule": _due_rule,
    "workbench:proactive-called": _called_up,
    "kiosk:take": _kiosk,
    "workbench:synonym": _added("editor", "words/edit", lambda _world, n: {"word": f"说法{n}", "means": "叫法"}),
    "workbench:synonyms-import": _added("editor", "words/import", lambda _world, n: {"rows": f"说法{n},叫法"}),
    "workbench:synonym-delete": _synonym_delete,
    "workbench:miss-settle": _miss_settle,
    "workbench:inquiry-close": _inquiry_close,
    "portal:ask": _ask,
    "portal:rate_level": _rate,
    "portal:rate_more": _rate_more,
    "api:take_ticket": _api_take,
    "api:call_next": _api_call,
    "api:finish": _api_finish,
    "workbench:case-gap": _handled("gap"),
    "workbench:case-commit": _handled("commit"),
    "workbench:case-commitment": _handled("commitment"),
    "workbench:case-send-back": _handled("send-back"),
    "workbench:case-move": _handled("move"),
    "workbench:case-move-receive": _handled("move/receive"),
    "workbench:case-move-return": _handled("move/return"),
    "workbench:visit-plan": _visit("plan"),
    "workbench:visit-put-off": _visit("put-off"),
    "workbench:visit-close": _visit("close"),
    "workbench:case-hearing-tell": _heard("tell"),
    "workbench:case-hearing-answer": _heard("answer"),
    "workbench:case-hearing-call": _heard("call"),
    "workbench:case-hearing-hold": _heard("hold"),
    "workbench:case-party": _heard("parties"),
    "workbench:case-heard": _heard("heard"),
    "portal:visit-wish": _citizen("visit/wish"),
    "portal:hearing-answer": _citizen("hearing"),
    "workbench:template-edit": _words_edit,
    "workbench:template-approve": _words_act("approve", "visit", "publisher"),
    "workbench:template-drop": _words_act("drop", "hearing", "editor"),
    "workbench:archive-hand-over": _kept("hand-over", "hall_manager", {"to": "演示档案馆"}),
    "workbench:archive-ask": _kept("ask-deletion", "hall_manager", {"ground": "保管期限届满（演示）"}),
    "workbench:archive-answer": _kept("answer-deletion", "leader", {"answer": "no"}, is_asked=True),
    "workbench:archive-rules": _retention,
    "workbench:task-take": _in_hand("take"),
    "workbench:task-hand": _in_hand("hand"),
    "workbench:bulk-do": _in_hand("bulk"),
    "workbench:opinion-new": _kept_words(""),
    "workbench:opinion-save": _kept_words("save"),
    "workbench:opinion-remove": _kept_words("remove"),
    "workbench:filter-save": _kept_list("save"),
    "workbench:filter-drop": _kept_list("drop"),
    "workbench:stand-in-set": _cover("set"),
    "workbench:cover-begin": _cover("begin"),
    "workbench:cover-end": _cover("end"),
    "workbench:window-pause": _away("pause"),
    "workbench:window-resume": _away("resume"),
    "workbench:case-priority": _around("priority"),
    "workbench:case-priority-end": _around("priority/end"),
    "workbench:priority-ticket": _around("priority/ticket"),
    "workbench:priority-answer": _around("priority/answer"),
    "workbench:case-agent": _around("agent/new"),
    "workbench:case-agent-act": _around("agent/act"),
    "workbench:case-agent-end": _around("agent/end"),
    "workbench:guidance-new": _around("guidance/new"),
    "workbench:case-guidance": _around("guidance"),
    "workbench:case-team": _around("team/new"),
    "workbench:team-change": _around("team/change"),
    "workbench:expert-new": _around("experts/new"),
    "workbench:expert-retire": _around("experts/retire"),
    "workbench:case-expert": _around("expert/new"),
    "workbench:case-advice": _around("expert/advice"),
    "workbench:case-recusal": _around("recusal/new"),
    "workbench:case-recusal-answer": _around("recusal/answer"),
}


# -- the check --------------------------------------------------------------------------------------------------------


def rel_6(platform: Platform, seed: Seed, *, short: bool) -> Result:
    """Try every act there is; `platform` runs, and is restarted once."""
    result = Result("REL-6")
    with orm(platform.urls):
        world = World(platform, seed)
        found = _addresses()
        kinds = _ask_all(world, found)
        for name, kind in sorted(kinds.items()):
            if kind == "unkeyed" and not (_reason(name) or name in BY_STATE):
                result.problems.append(f"{name} takes an act without a key")
            if kind == "keyed" and name not in TRIED and name not in BY_STATE:
                result.problems.append(f"{name} has a key and no trial here")
            if kind == "unreached" and name not in TRIED:
                result.problems.append(f"{name} could not be reached: it needs a sample here")
        kept: list[tuple[str, Wish, str, tuple[Any, ...]]] = []
        by_state = 0
        for name, make in TRIED.items():
            if name not in kinds:
                continue
            try:
                if name in BY_STATE:
                    _try_state(result, world, name, make)
                    by_state += 1
                if name not in BY_STATE or name in KEY_TOO:
                    _try(result, world, name, make, kept, at_once=10 if short else AT_ONCE)
            except Exception as error:
                result.problems.append(f"{name}: the trial itself failed: {type(error).__name__}: {str(error)[:200]}")
    platform.stop()
    platform.start()
    result.survived += 1
    before = _events(platform)
    for name, wish, key, first in kept:
        again = _answer(wish.send(Client(platform.port, wish.session), key))
        if again != first:
            result.problems.append(f"{name}: another answer after a restart: {again[:2]} instead of {first[:2]}")
            result.lost += 1
    if _events(platform) != before:
        result.problems.append(f"{_events(platform) - before} acts happened again after a restart")
    keyed = sum(kind == "keyed" for kind in kinds.values())
    result.notes.append(
        f"acts covered: {len(kept)} with a key of {keyed + len(KEY_TOO & set(kinds))}, {by_state} by state"
    )
    unkeyed = sum(_reason(name) is not None for name in kinds)
    result.notes.append(f"{len(found)} addresses asked, {unkeyed} take a POST without a key for a stated reason")
    return result


def _try_state(result: Result, world: World, name: str, make: Callable[[World], Wish]) -> None:
    """Without a key: one effect, and none more when it is sent again."""
    wish = make(world)
    client = Client(world.platform.port, wish.session)
    with _counted(world.platform) as one:
        first = wish.send(client, None)
    with _counted(world.platform) as repeat:
        second = wish.send(client, None)
    result.held += 1
    result.bad += 1
    if first.status >= 400 or not one.events:
        result.problems.append(f"{name}: the trial did not work: answer {first.status}, {one.events} events")
    if repeat.events or second.status >= 500:
        result.problems.append(f"{name}: sent again without a key: {repeat.events} events, answer {second.status}")


def _try(
    result: Result,
    world: World,
    name: str,
    make: Callable[[World], Wish],
    kept: list[tuple[str, Wish, str, tuple[Any, ...]]],
    *,
    at_once: int,
) -> None:
    platform = world.platform

    def wrong(text: str) -> None:
        result.problems.append(f"{name}: {text}")

    wish, key = make(world), uuid4().hex
    client = Client(platform.port, wish.session)
    if name not in KEY_TOO:
        with _counted(platform) as none:
            refused = wish.send(client, None)
            result.bad += 1
        if none.events or refused.status not in {400, 422}:
            return wrong(f"without a key: {none.events} events, answer {refused.status}")

    with _counted(platform) as one:
        first = _answer(wish.send(client, key))
    if first[0] >= 400 or not one.events:
        return wrong(f"the trial did not work: answer {first[0]}, {one.events} events")
    result.held += 1

    with _counted(platform) as repeat:
        second = _answer(wish.send(client, key))
    if second != first or repeat.events:
        wrong(f"a repeat: {repeat.events} events, answer {second[:2]} instead of {first[:2]}")

    with _counted(platform) as changed:
        other = wish.send(client, key, other=True)
        result.bad += 1
    if other.status != 422 or changed.events:
        wrong(f"another body: answer {other.status}, {changed.events} events")

    if not wish.public:
        stranger = wish.send(Client(platform.port, wish.stranger), key)
        result.bad += 1
        actors = platform.rows("SELECT count(*) FROM ledger_once WHERE key = %s", [key])[0][0]
        if stranger.status < 400 and actors < 2:
            wrong(f"somebody else's key gave {stranger.status}")
    kept.append((name, wish, key, first))

    many, key = make(world), uuid4().hex
    answers: list[tuple[Any, ...]] = []
    start = threading.Barrier(at_once)

    def send() -> None:
        own = Client(platform.port, many.session, seconds=60)
        start.wait()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                reply = many.send(own, key)
            except NoAnswer:
                continue
            if reply.status != 503:  # busy: ask again, as a client does
                answers.append(_answer(reply))
                break
            time.sleep(0.1)
        own.close()

    with _counted(platform) as parallel:
        threads = [threading.Thread(target=send, daemon=True) for _n in range(at_once)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(90)
    result.held += len(answers)
    if len(answers) != at_once or len(set(answers)) != 1 or answers[0][0] >= 400:
        wrong(f"{at_once} at once: {len(set(answers))} different answers {sorted({one[0] for one in answers})}")
    if parallel.events != one.events:
        wrong(f"{at_once} at once: {parallel.events} events instead of {one.events}")
        result.lost += max(0, one.events - parallel.events)
    return None


def _answer(reply: Reply) -> tuple[Any, ...]:
    """What has to be the same each time: status, where to, and a program's body."""
    is_json = "json" in reply.headers.get("content-type", "")
    return reply.status, reply.headers.get("location", ""), reply.content if is_json else b""


@dataclass
class Counted:
    events: int = 0


@contextmanager
def _counted(platform: Platform) -> Iterator[Counted]:
    """Count the ledger rows written meanwhile."""
    counted, before = Counted(), _events(platform)
    yield counted
    counted.events = _events(platform) - before


def _events(platform: Platform) -> int:
    return int(platform.rows("SELECT count(*) FROM ledger_event")[0][0])


# -- what addresses there are -----------------------------------------------------------------------------------------


def _reason(name: str) -> str | None:
    family = name.split("_")[0] + "_*" if name.startswith(("account_", "mfa_")) else name
    return UNKEYED.get(family)


def _addresses() -> list[tuple[str, str, list[str]]]:
    """Return (name, route, parameter names) of every address."""
    from django.urls import URLPattern, URLResolver, get_resolver

    found: list[tuple[str, str, list[str]]] = []

    def walk(patterns: list[Any], prefix: str, space: str) -> None:
        for one in patterns:
            route = prefix + str(one.pattern)
            if isinstance(one, URLResolver):
                walk(one.url_patterns, route, one.namespace or space)
            elif isinstance(one, URLPattern):
                name = f"{space}:{one.name}" if space and one.name else one.name or route
                found.append((name, route, list(one.pattern.converters)))

    walk(get_resolver().url_patterns, "/", "")
    return found


def _ask_all(world: World, found: list[tuple[str, str, list[str]]]) -> dict[str, str]:
    """
    Send every address a POST without a key from everybody and return what each does, by name.

    keyed: refuses it for want of a key. unkeyed: takes it. reads: takes no POST. unreached: found nothing there.
    """
    case = world.case("accepted", "promised")
    _pk, session, ticket = world.called()
    samples = {
        "number": case.query_no,
        "task_id": str(case.tasks.get(step_key="review").pk),
        "item_id": world.seed.items["immediate"],
        "staff_id": world.seed.staff["guide"],
        "applicant_id": world.seed.applicants[0],
        "ticket_id": str(ticket.pk),
        "series_id": world.seed.series["A"],
        "code": world.seed.hall,
        "hall": world.seed.hall,
        "window_id": world.seed.windows[-1][0],
        "kind": "receipt",
        "token": world.invitation(),
        "slug": "x",
        "period": "month",
        "year": "2026",
        "pk": str(case.pk),
    }
    sessions = ["", session, *(one for role, one in world.seed.people.items() if role != "clerk-free")]
    kinds: dict[str, str] = {}
    for name, route, names in found:
        if _reason(name):
            kinds[name] = "unkeyed"
            continue
        path = route
        for parameter in names:
            start = path.index("<")
            path = path[:start] + samples.get(parameter, NOTHING) + path[path.index(">", start) + 1 :]
        is_api = path.startswith("/api/")
        statuses = []
        for one in sessions:
            client = Client(world.platform.port, one)
            reply = client.post(path, _API_BODY.get(name, {})) if is_api else client.submit(path, {})
            statuses.append((reply.status, reply.headers.get("location", "")))
            client.close()
            if reply.status == 405:
                break
        kinds[name] = _kind(statuses, is_api=is_api)
    return kinds


_API_BODY = {"api:take_ticket": {"series": "A"}}
_SHUT = {401, 403, 404, 405}


def _kind(statuses: list[tuple[int, str]], *, is_api: bool) -> str:
    open_to = [status for status, location in statuses if status not in _SHUT and not location.startswith("/accounts/")]
    if not open_to:
        told = {status for status, _location in statuses}
        return "reads" if 405 in told or 404 not in told else "unreached"
    return "keyed" if all(status == (422 if is_api else 400) for status in open_to) else "unkeyed"
