"""What citizens with an account do on line, one wish for each act that has a key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yimen.faults.world import Wish, World

_people = count(1)
PASSWORD = "only for trials 1"


def _person() -> dict[str, Any]:
    from yimen.faults.seed import resident_id

    n = next(_people)
    return {
        "kind": "person",
        "name": "李小花",
        "id_number": resident_id(9_000 + n),
        "phone": f"1390002{n:04d}",
        "username": f"citizen-{n}",
        "password": PASSWORD,
    }


def _citizen(world: World) -> tuple[Any, str]:
    """Somebody with an account, and a session."""
    from yimen.faults.seed import session_of
    from yimen.faults.world import now
    from yimen.people import citizens

    account = citizens.sign_up(region=world.seed.region, at=now(), **_person())
    return account.applicant, session_of(account)


def _version(world: World) -> Any:
    from yimen.catalog.models import ItemVersion

    found = ItemVersion.objects.filter(pk=world.seed.versions["promised"])
    found.update(channels=["窗口办理", "网上办理"])
    return found.select_related("item__department").get()


def _sent(world: World) -> tuple[Any, str, Any]:
    """A case somebody sent, with his session."""
    from yimen.cases.actions import applying
    from yimen.cases.queries import applying as drafts
    from yimen.faults.world import now
    from yimen.people.models import ServiceCenter

    me, session = _citizen(world)
    draft = applying.begin(_version(world), me, at=now())
    lines = drafts.filling(draft, on=now().date()).missing
    paper = {str(line.material.pk): drafts.PAPER for line in lines}
    draft = applying.save(draft.pk, edition=1, handing=paper, by=me, at=now())
    center = ServiceCenter.objects.get(pk=world.seed.center)
    return me, session, applying.submit(draft.pk, edition=draft.edition, center=center, by=me, at=now())


def _sign_up(world: World) -> Wish:
    from yimen.faults.world import Wish

    return Wish("", "/my/sign-up", _person(), public=True)


def _begin(world: World) -> Wish:
    from yimen.faults.world import Wish

    version = _version(world)
    _me, session = _citizen(world)
    return Wish(session, f"/items/{version.item.task_code}/apply", {}, _citizen(world)[1])


def _submit(world: World) -> Wish:
    from yimen.cases.actions import applying
    from yimen.cases.queries import applying as drafts
    from yimen.faults.world import Wish, now

    me, session = _citizen(world)
    draft = applying.begin(_version(world), me, at=now())
    lines = drafts.filling(draft, on=now().date()).missing
    paper = {str(line.material.pk): drafts.PAPER for line in lines}
    draft = applying.save(draft.pk, edition=1, handing=paper, by=me, at=now())
    fields = {"edition": str(draft.edition)}
    return Wish(session, f"/my/drafts/{draft.pk}/submit", fields, _citizen(world)[1])


def _begin_bundle(world: World) -> Wish:
    from uuid import UUID

    from yimen.catalog.actions.bundles import BundleLine, publish_bundle, save_bundle
    from yimen.catalog.models import ItemVersion
    from yimen.faults.world import Wish, now
    from yimen.ledger.actions import SYSTEM

    ItemVersion.objects.filter(pk__in=world.seed.versions.values()).update(channels=["窗口办理", "网上办理"])
    lead = _version(world).item.department
    lines = [BundleLine(key, UUID(world.seed.items[key])) for key in ("immediate", "promised")]
    code = f"on-line-{next(_people)}"
    bundle = save_bundle(lead=lead, code=code, name="网上一件事（演示）", lines=lines, by=SYSTEM, at=now())
    publish_bundle(bundle.pk, by=SYSTEM, at=now())
    return Wish(_citizen(world)[1], f"/bundles/{code}/apply", {}, _citizen(world)[1])


def _message(world: World) -> Wish:
    from yimen.faults.world import Wish

    _me, session, case = _sent(world)
    return Wish(session, f"/cases/{case.query_no}/messages", {"text": "要带什么吗？"}, _citizen(world)[1])


def _withdraw(world: World) -> Wish:
    from yimen.faults.world import Wish

    _me, session, case = _sent(world)
    return Wish(session, f"/cases/{case.query_no}/withdraw", {"reason": "不开店了"}, _citizen(world)[1])


def _recusal(world: World) -> Wish:
    from yimen.faults.world import Wish

    _me, session, case = _sent(world)
    fields = {"number": world.staff("approver").number, "recusal_reason": "他是我的近亲属。"}
    return Wish(session, f"/cases/{case.query_no}/recusal", fields, _citizen(world)[1])


def _elsewhere(world: World) -> Wish:
    """Another region's item, handled universally, with a centre that decides there."""
    from yimen.catalog.models import ItemVersion
    from yimen.faults.seed import make_item, resident_id
    from yimen.faults.world import Wish
    from yimen.people.models import Department, Region, ServiceCenter

    region, _new = Region.objects.get_or_create(code="510100", defaults={"name": "演示邻市"})
    ServiceCenter.objects.get_or_create(
        region=region,
        code="center",
        defaults={"letters": "YL", "name": "邻市中心（演示）", "is_demo": True},
    )
    department, _new = Department.objects.get_or_create(
        region=region, code="d1", defaults={"name": "邻市演示局（演示）"}
    )
    n = next(world._people)
    item, version = make_item(department, "promised", n=70_000 + n)
    ItemVersion.objects.filter(pk=version).update(universal_scope="跨省")
    fields = {"kind": "person", "name": "王小明", "id_number": resident_id(9_000 + n), "phone": f"139{n:08d}"}
    return Wish(world.session("clerk"), f"/workbench/elsewhere/{item}/receive", fields, world.session("approver"))


def _answer(world: World) -> Wish:
    from django.core.files.uploadedfile import SimpleUploadedFile

    from yimen.cases import actions
    from yimen.cases.actions import uploads
    from yimen.faults.world import Wish, now

    me, session, case = _sent(world)
    materials = [row.material for row in case.materials.select_related("material") if row.state == "missing"]
    asked = {one.pk: "请拍清楚一点再交一次。" for one in materials}
    actions.correct(case.pk, asked, by=world.staff("clerk"), at=now() - timedelta(seconds=1))
    for one in materials:
        picture = SimpleUploadedFile("a.png", _picture())
        uploads.take(picture, owner=me, region=case.region_id, case=case, material=one, at=now())
    return Wish(session, f"/cases/{case.query_no}/answer", {}, _citizen(world)[1])


def _picture() -> bytes:
    from io import BytesIO

    from PIL import Image

    made = BytesIO()
    Image.new("RGB", (20, 20)).save(made, "PNG")
    return made.getvalue()


def _staff_message(world: World) -> Wish:
    from yimen.faults.world import Wish

    case = world.case()
    path = f"/workbench/cases/{case.query_no}/messages"
    return Wish(world.session("clerk"), path, {"text": "不用带。"}, world.session("clerk-free"))


def _confirm(world: World) -> Wish:
    from yimen.faults.world import Wish, now
    from yimen.people import citizens

    person = _person()
    account = citizens.sign_up(region=world.seed.region, at=now(), **person)
    fields = {"code": account.check_code, "id_number": person["id_number"]}
    return Wish(world.session("clerk"), "/workbench/accounts", fields, world.session("clerk-free"))


TRIED: dict[str, Callable[[World], Wish]] = {
    "portal:sign-up": _sign_up,
    "portal:apply": _begin,
    "portal:apply-bundle": _begin_bundle,
    "portal:draft-submit": _submit,
    "portal:case-message": _message,
    "portal:case-answer": _answer,
    "portal:case-withdraw": _withdraw,
    "portal:case-recusal": _recusal,
    "workbench:elsewhere-receive": _elsewhere,
    "workbench:case-message": _staff_message,
    "workbench:account-check": _confirm,
}
UNKEYED = {
    "portal:draft": "saves what was typed: the edition decides, the same content again writes nothing",
    "portal:draft-save": "as draft",
    "portal:draft-delete": "a draft is thrown away once",
    "portal:draft-restore": "a draft that is there stays there",
    "portal:draft-renew": "a draft that is up to date stays as it is",
    "portal:draft-files": "keeps one more file of a draft, which its owner sees and can take away",
    "portal:draft-file-start": "a file of this name and size that stopped half-way goes on",
    "portal:case-files": "keeps one more file; handing them in is keyed",
    "portal:case-file-start": "as draft-file-start",
    "portal:file-piece": "a piece sent again is written again at its place",
    "portal:file-finish": "a file is finished once; the same row comes back",
    "portal:file-remove": "a file is taken away once",
    "portal:prove": "an account is believed once; a wrong guess must count although nothing else happens",
    "portal:my-read": "what is read stays read",
    "portal:my-notices": "wanting none twice is wanting none",
    "portal:my-sms": "wanting none twice is wanting none",
    "sms-receipts": "a receipt told again changes nothing",
    "portal:case-messages-read": "what is read stays read",
    "workbench:case-messages-read": "what is read stays read",
}
