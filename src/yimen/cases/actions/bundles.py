"""一件事: one application for several items, each a case of its own, begun when its turn comes (HALL-13)."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from yimen.cases import rules
from yimen.cases.actions import bundle_files as uploads
from yimen.cases.actions.common import next_number
from yimen.cases.actions.receiving import Handed, NotOffered, WrongForm, receive
from yimen.cases.documents import bundles as papers
from yimen.cases.models import ApplicationDraft, Case, CaseMaterial, Notice
from yimen.cases.models.bundles import BundleCase
from yimen.cases.queries.bundles import FORMS, plan_parts, state_of
from yimen.cases.rules.bundles import Planned, standing
from yimen.catalog.models import FlowStep, ServiceItem
from yimen.catalog.models.bundles import ServiceBundle
from yimen.catalog.queries import bundles as catalog
from yimen.catalog.queries import scenario
from yimen.catalog.rules import bundles as bundle_rules
from yimen.catalog.rules import forms as form_rules
from yimen.catalog.rules import scenario as scenario_rules
from yimen.catalog.rules.merging import same_name
from yimen.certificates import queries as certificates
from yimen.ledger import actions as ledger
from yimen.ledger.actions import SYSTEM, Actor
from yimen.ledger.models import Event
from yimen.lib import crypto, ids
from yimen.lib.errors import DomainError
from yimen.people import access
from yimen.people.models import Applicant, ServiceCenter, Staff

# What moves an application on; see follow().
KINDS = ("case.certificate_made", "case.decided", "case.declined", "case.withdrawn")


@transaction.atomic
def receive_bundle(
    bundle: ServiceBundle,
    applicant: Applicant,
    *,
    center: ServiceCenter,
    chosen: Collection[str] = (),
    answers: Mapping[str, Collection[str]] | None = None,
    form_values: Mapping[str, Any] | None = None,
    materials: Mapping[str, Handed] | None = None,
    draft: ApplicationDraft | None = None,
    channel: str = Case.Channel.WINDOW,
    by: Staff | Applicant,
    at: datetime,
) -> BundleCase:
    """
    Take one application for several items, at the window or, with its draft, on line; the cases of the items that wait
    for nothing are received at once, the others by follow() when what they wait for is granted.

    chosen: keys of the optional items; answers: by key those to its own questions; form_values: the merged form
    (rules.bundles.asked_once), None when it came on paper; materials: by the key of rules.bundles.Bring,
    lines left out count as missing. All or nothing: raises NotOffered, WrongForm, scenario.IncompleteAnswers,
    scenario.DeadEnd, results.Barred, access.NotAllowed.
    """
    if isinstance(by, Staff):
        access.require(by, "cases.receive", region=bundle.region_id)
    elif by.pk != applicant.pk or draft is None or draft.applicant_id != by.pk:
        raise access.NotAllowed(_("网上只能给自己办。替别人办，请带委托书到窗口。"))
    offer = catalog.offered_bundle(bundle.region_id, bundle.code)
    if offer is None or bundle_rules.faults(catalog.parts_of(offer)):
        raise NotOffered(_("这件事现在不能一起办，请按单个事项收件。"))
    first = catalog.offers(offer, chosen)
    said = {
        one.part.key: scenario_rules.check_answers(
            scenario.questions_of(one.version), list((answers or {}).get(one.part.key, ()))
        )
        for one in first
    }
    offers = catalog.offers(offer, chosen, said)
    parts = [one.part for one in offers]
    day = localdate(at)
    filled = _filled(offers, said, form_values, day)
    given = bundle_rules.fed(parts)
    wanted = {line.key for line in bundle_rules.to_bring(parts)}
    if set(materials or {}) - wanted:
        raise DomainError(_("有材料不在这件事的清单里，清单外的材料不能要。请刷新页面再收。"))
    plan = []
    for one in offers:
        fed = {line.name: key for line in one.part.materials if (key := given.get((one.part.key, line.position)))}
        keys = {same_name(line.name) for line in one.part.materials if line.name not in fed}
        plan.append(
            {
                "key": one.part.key,
                "item": str(one.row.item_id),
                "name": one.part.name,
                "after": list(one.part.after),
                "answers": list(said[one.part.key]),
                "fed": fed,
                "materials": {k: _plain(h) for k, h in sorted((materials or {}).items()) if k in keys},
                "is_optional": one.part.is_optional,
            }
        )
    number = next_number(bundle.region_id, f"query:{center.letters}", day)
    serial = next_number(bundle.region_id, f"bundle_receipt:{center.letters}"[:80], date(day.year, 1, 1))
    made = BundleCase.objects.create(
        region_id=bundle.region_id,
        center=center,
        bundle=bundle,
        applicant=applicant,
        query_no=rules.query_no(center.letters, day, number),
        receipt_no=papers.receipt_no(center.letters, day, serial),
        verify_code=ids.short_code(12),
        chosen={"parts": plan, "channel": channel},
        forms_sealed=crypto.seal(json.dumps(filled, ensure_ascii=False), FORMS) if filled else None,
        received_at=at,
        received_by=by if isinstance(by, Staff) else None,
        is_demo=applicant.is_demo,
    )
    if draft is not None:
        draft.bundle_case = made
        draft.save(update_fields=["bundle_case"])
    data: dict[str, Any] = {
        "bundle": bundle.code,
        "channel": channel,
        "query_no": made.query_no,
        "receipt": made.receipt_no,
    }
    data["items"] = [part["item"] for part in plan]
    _record(made, "bundle.received", by, at, data)
    _go_on(made, by=by, at=at)
    return made


def _plain(handed: Handed) -> list[str]:
    """What the plan keeps of it: state, form, note, the earlier material it comes from."""
    return [handed.state, handed.form, handed.note, str(handed.reused_from or "")]


def _handed(kept: list[str]) -> Handed:
    # Those begun before notes and reuse were kept have two words only.
    state, form, note, reused = (*kept, "", "")[:4]
    return Handed(state, note, form, reused_from=UUID(reused) if reused else None)


def _filled(
    offers: list[catalog.Offer], said: Mapping[str, Collection[str]], values: Mapping[str, Any] | None, day: Any
) -> dict[str, Any]:
    """Return the answers of the merged form by part and form, nothing when it came on paper."""
    if values is None:
        return {}
    asked = bundle_rules.asked_once(catalog.forms_by_part(offers, said))
    if faults := form_rules.check_values(asked.merged.schema, values, today=day, without=asked.without):
        raise WrongForm({"": faults})
    return bundle_rules.values_of_parts(asked, values)


def follow(event: Event, *, at: datetime) -> None:
    """
    Go on with the application the case of this ledger row belongs to; nothing for other cases. Again: nothing more.

    What cannot be begun stops the application and says why; staff receive the rest by hand.
    """
    case = Case.objects.filter(pk=event.stream.removeprefix("case:")).only("bundle_case_id").first()
    if case is None or case.bundle_case_id is None:
        return
    go_on(case.bundle_case_id, at=at)


@transaction.atomic
def go_on(bundle_case_id: UUID, *, at: datetime, by: Actor = SYSTEM) -> BundleCase:
    """Begin what can begin now and end what has ended; safe to call at any time."""
    locked = BundleCase.objects.select_for_update(of=("self",)).select_related("bundle", "center", "applicant")
    made = locked.get(pk=bundle_case_id)
    if made.status == BundleCase.Status.RUNNING:
        _go_on(made, by=by, at=at)
    return made


def _go_on(made: BundleCase, *, by: Actor, at: datetime) -> None:
    plan = plan_parts(made)
    cases = {str(case.item_id): case for case in made.cases.select_related("version")}
    states = {part["key"]: state_of(cases[part["item"]]) for part in plan if part["item"] in cases}
    now = standing([Planned(p["key"], tuple(p["after"]), p["is_optional"]) for p in plan], states)
    by_key = {part["key"]: part for part in plan}
    if now.failed:
        names = [by_key[key]["name"] for key in now.failed]
        _end(made, BundleCase.Status.STOPPED, at, why="refused", items=names)
        return
    if now.is_done:
        _end(made, BundleCase.Status.DONE, at)
        return
    for key in now.begin:
        sources = {one: cases[by_key[one]["item"]] for one in by_key[key]["fed"].values()}
        if any(_is_being_made(case) for case in sources.values()):
            continue  # its certificate is the next row of the ledger
        try:
            with transaction.atomic():
                _begin(made, by_key[key], sources, by=by, at=at)
        except DomainError:
            if by is not SYSTEM:
                raise  # somebody stands at the window, or has just sent it, and is told
            _end(made, BundleCase.Status.STOPPED, at, why="cannot_begin", items=[by_key[key]["name"]])
            return


def _is_being_made(case: Case) -> bool:
    return case.tasks.filter(done_at=None, kind=FlowStep.Kind.MAKE).exists()


def _begin(made: BundleCase, part: dict[str, Any], sources: Mapping[str, Case], *, by: Actor, at: datetime) -> Case:
    """Receive the case of one part, with what was handed in for it and what the parts before it resulted in."""
    item = ServiceItem.objects.select_related("department", "published__item__department").get(pk=part["item"])
    version = item.published
    if version is None:
        raise NotOffered(_("“%(name)s”现在不办了，请按新的办事指南收件。") % {"name": part["name"]})
    given: dict[UUID, Handed] = {}
    numbers: dict[UUID, str] = {}
    for line in scenario_rules.applying(version.materials.all(), part["answers"]):
        if line.name in part["fed"]:
            source = sources[part["fed"][line.name]]
            number, numbers[line.pk] = _result_of(source)
            note = _("前一项“%(name)s”的结果：%(number)s") % {"name": source.version.name, "number": number}
            given[line.pk] = Handed(CaseMaterial.State.COMPLETE, note[:200], CaseMaterial.Form.ELECTRONIC)
        elif (handed := part["materials"].get(same_name(line.name))) is not None:
            given[line.pk] = _handed(handed)
    filled = json.loads(crypto.open_sealed(bytes(made.forms_sealed), FORMS)) if made.forms_sealed else {}
    case = receive(
        version,
        made.applicant,
        center=made.center,
        materials=given,
        by=by,
        at=at,
        channel=made.chosen.get("channel", Case.Channel.WINDOW),
        chosen=part["answers"],
        form_values=filled.get(part["key"]),
    )
    case.bundle_case = made
    if by is SYSTEM:
        case.visit_days = []  # nobody came for it
    case.save(update_fields=["bundle_case", "visit_days"])
    uploads.hand_on(made, case, at=at)
    for material, certificate_no in numbers.items():
        if certificate_no:
            case.materials.filter(material=material).update(certificate_no=certificate_no)
    _record(made, "bundle.part_begun", by, at, {"item": part["item"], "case_no": case.case_no})
    return case


def _result_of(case: Case) -> tuple[str, str]:
    """The number of what a granted case resulted in, and the certificate's when there is one."""
    if certificate := certificates.of_case(case.region_id, case.case_no):
        return certificate.number, certificate.number
    decision = case.notices.filter(kind=Notice.Kind.DECISION).values_list("number", flat=True).first()
    return decision or case.case_no, ""


def _end(made: BundleCase, status: str, at: datetime, *, why: str = "", items: Collection[str] = ()) -> None:
    made.status, made.finished_at = status, at
    made.chosen = made.chosen | ({"stopped": why} if why else {})
    made.save(update_fields=["status", "finished_at", "chosen"])
    data = {"why": why, "items": list(items)} if why else {}
    _record(made, "bundle.stopped" if why else "bundle.finished", SYSTEM, at, data)


def _record(made: BundleCase, kind: str, by: Actor, at: datetime, data: dict[str, Any]) -> None:
    ledger.record(made.stream, kind, region=made.region_id, by=by, at=at, data=data)
