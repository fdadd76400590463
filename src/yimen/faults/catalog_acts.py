"""Trials on items, words, rules, notices and reform."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils.timezone import localdate

from yimen.faults.world import Wish, World, now


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
