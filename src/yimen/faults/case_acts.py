"""Trials on cases: receiving to archive, visits, hearings, results, bundles and batches."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils.timezone import localdate

from yimen.faults.catalog_acts import _item_version
from yimen.faults.people_acts import _new_unit
from yimen.faults.world import Wish, World, now


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


def _batch_plan(world: World) -> Wish:
    from yimen.catalog.models import ServiceItem

    _pk, session, _clerk = world.window()
    item = ServiceItem.objects.get(pk=world.seed.items["immediate"])
    fields = {
        "name": f"第 {next(world._people)} 批（演示）", "item": item.task_code, "on": localdate(now()).isoformat(),
        "place": "礼堂（演示）", "units": "人社局（演示）", "checklist": "打印机",
    }  # fmt: skip
    return Wish(session, "/workbench/together/batches/plan", fields, world.session("clerk-free"))


def _listed_batch(world: World) -> UUID:
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
    return batch.pk


def _batch_receive(world: World) -> Wish:
    path = f"/workbench/together/batches/{_listed_batch(world)}/receive"
    return Wish(world.session("clerk"), path, world.materials(), world.session("clerk-free"))


def _batch_accept(world: World) -> Wish:
    from yimen.cases.actions import Handed, batches

    pk, clerk = _listed_batch(world), world.staff("clerk")
    handed = {UUID(name.removeprefix("state-")): Handed(state) for name, state in world.materials().items()}
    batches.receive_batch(pk, materials=handed, by=clerk, at=now())
    return Wish(world.session("clerk"), f"/workbench/together/batches/{pk}/accept", {}, world.session("clerk-free"))


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
