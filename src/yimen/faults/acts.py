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
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from yimen.faults import bookings, calling_acts, citizens, kiosk_acts, screens
from yimen.faults.api_acts import _api_call, _api_finish, _api_take, _system_act
from yimen.faults.around_acts import _around, _supervised
from yimen.faults.case_acts import (
    _batch_accept,
    _batch_plan,
    _batch_receive,
    _bundle_receive,
    _citizen,
    _correct,
    _cover,
    _extension,
    _handled,
    _heard,
    _in_hand,
    _kept,
    _kept_list,
    _kept_words,
    _materials,
    _on_case,
    _receive,
    _result,
    _retention,
    _stopped,
    _task,
    _visit,
)
from yimen.faults.catalog_acts import (
    _announce,
    _ask,
    _ask_units,
    _basic_edit,
    _basic_fields,
    _calendar_day,
    _called_up,
    _due_rule,
    _find_due,
    _inquiry_close,
    _jargon,
    _list_sent,
    _local_rule,
    _merge,
    _miss_settle,
    _notice,
    _opinion,
    _publish,
    _reform,
    _round,
    _rule_act,
    _rule_new,
    _sharing_edit,
    _sharing_fields,
    _synonym_delete,
    _take_back,
    _term,
    _withdraw,
    _words_act,
    _words_edit,
)
from yimen.faults.client import Client, NoAnswer, Reply
from yimen.faults.hall_acts import (
    _at_desk,
    _at_window,
    _away,
    _call,
    _hall_alarm,
    _hall_lend,
    _hall_merge,
    _hall_sign_out,
    _kiosk,
    _rate,
    _rate_more,
    _series_item,
    _series_let,
    _sign_in,
    _sign_out,
    _window_calls,
)
from yimen.faults.people_acts import (
    _added,
    _center,
    _close,
    _close_point,
    _end_role,
    _enter_hall,
    _grant,
    _letters,
    _move_in,
    _open_account,
    _organisation,
    _point,
    _transfer,
)
from yimen.faults.platform import Platform, orm
from yimen.faults.power_acts import _power_act, _power_batch, _power_batch_apply, _power_begin, _today_field
from yimen.faults.result import Result
from yimen.faults.seed import Seed
from yimen.faults.world import Wish, World

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
    "workbench:template-try": "makes a sample of typed words and keeps nothing",
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
    "workbench:visit-photo-drop": "a photo taken out is out; once more does nothing, proved beside the act",
    "workbench:visit-photo": "the same photo at the same point is kept once; proved beside the act",
    "workbench:catalog-points": "as item: sent with the mark of the draft it was read from",
    "workbench:bundle-new": "a bundle's code is taken once, and saving the same again records nothing",
    "workbench:bundle": "saving the same bundle again records nothing; proved beside its actions",
    "workbench:bundle-publish": "a bundle is offered once, and withdrawn once; proved beside its actions",
    "workbench:batch-list": "the same list again leaves the same people; proved beside its actions",
    "workbench:batch-tick": "a line is ticked once; proved beside its actions",
    "workbench:batch-close": "a batch ends once",
    "workbench:batch-change": "the same plan again changes nothing; proved beside its actions",
    "workbench:batch-person-add": "nobody is on a list twice; proved beside its actions",
    "workbench:batch-person-off": "a place of the list is emptied once; proved beside its actions",
    "workbench:batch-export": "as cases-export",
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


# -- one wish for each act, by the name of its address ----------------------------------------------------------------


TRIED: dict[str, Callable[[World], Wish]] = {
    **kiosk_acts.TRIED,
    "workbench:hall-alarm-answer": _hall_alarm,
    "workbench:hall-lend": _hall_lend,
    "workbench:hall-merge": _hall_merge,
    "workbench:hall-sign-out": _hall_sign_out,
    "workbench:batch-plan": _batch_plan,
    "workbench:batch-receive": _batch_receive,
    "workbench:batch-accept": _batch_accept,
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
        kinds = _ask_all(world, found, short=short)
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
                    _try(result, world, name, make, kept, at_once=6 if short else AT_ONCE)
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


def _ask_all(world: World, found: list[tuple[str, str, list[str]]], *, short: bool) -> dict[str, str]:
    """
    Send every address a POST without a key from everybody and return what each does, by name.

    keyed: refuses it for want of a key. unkeyed: takes it. reads: takes no POST. unreached: found nothing there.
    short: the first to whom an address is open is enough; who may do it is not the question here.
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
            if reply.status == 405 or (short and _kind(statuses, is_api=is_api) in {"keyed", "unkeyed"}):
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
