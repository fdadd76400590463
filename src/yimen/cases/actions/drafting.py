"""What an application for one item and one for several have in common while they are drafts (applying.py)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from django.utils.translation import gettext as _

from yimen.cases.actions.receiving import Handed
from yimen.cases.models import ApplicationDraft, CaseMaterial
from yimen.cases.queries import applying as drafts
from yimen.cases.rules import applying as rules
from yimen.catalog.rules import forms as form_rules
from yimen.catalog.rules import scenario as scenario_rules
from yimen.ledger import actions as ledger
from yimen.lib.errors import DomainError
from yimen.lib.text import listed
from yimen.people.models import Applicant

MOST_DRAFTS = 30
MOST_TYPED = 200_000  # characters of one draft


class NotOnline(DomainError):
    """The item cannot be applied for on line."""


class NoDraft(DomainError):
    """The draft is not there, is somebody else's, was deleted or was sent already."""


class OtherTab(DomainError):
    """Another page saved the draft meanwhile; draft: as it stands now."""

    def __init__(self, draft: ApplicationDraft) -> None:
        self.draft = draft
        super().__init__(str(_("另一个页面刚刚改过这份申请。您这里填的都还在，请对一对，再保存一次，就以这里的为准。")))


class NotReady(DomainError):
    """Something is missing before the application can be sent; step: the page where it is put right."""

    def __init__(self, step: str, message: str) -> None:
        self.step = step
        super().__init__(message)


class Outdated(DomainError):
    """The item has a newer edition than the one the draft was begun under."""


class _Walk(Protocol):
    @property
    def next(self) -> scenario_rules.Question | None: ...
    @property
    def dead_end(self) -> scenario_rules.Option | None: ...


class Filled(Protocol):
    """A draft as the queries give it, for one item or for several."""

    @property
    def walk(self) -> _Walk: ...
    @property
    def faults(self) -> Sequence[form_rules.ValueFault]: ...
    @property
    def lines(self) -> Sequence[drafts.MaterialLine]: ...
    @property
    def missing(self) -> list[drafts.MaterialLine]: ...


def expect_room(applicant: Applicant) -> None:
    """Lock the applicant and raise DomainError when he may not begin another draft."""
    Applicant.objects.select_for_update(no_key=True).only("pk").get(pk=applicant.pk)
    if drafts.drafts_of(applicant).count() >= MOST_DRAFTS:
        raise DomainError(_("没交的申请最多存 %(n)s 份，请先把不用的删掉。") % {"n": MOST_DRAFTS})


def keep(draft: ApplicationDraft, changed: Mapping[str, Any], *, edition: int, step: str, at: datetime) -> None:
    """
    Store a draft with the fields of `changed`, one edition on; without any only the step, whatever the edition.

    Raises OtherTab for other content under an old edition; the draft is then as it was.
    """
    step = step if step in rules.STEPS else draft.step
    if not changed:
        if step != draft.step:
            draft.step = step
            draft.save(update_fields=["step"])
        return
    if edition != draft.edition:
        raise OtherTab(draft)
    for name, value in changed.items():
        setattr(draft, name, value)
    draft.step, draft.edition, draft.saved_at = step, draft.edition + 1, at
    draft.save(update_fields=[*changed, "step", "edition", "saved_at"])


def expect_ready(filled: Filled) -> None:
    """Raise NotReady, naming the step to go to, while something is missing."""
    if filled.walk.dead_end is not None:
        raise NotReady("questions", _("按您选的，这件事在这里办不了，请看说明。"))
    if filled.walk.next is not None:
        raise NotReady("questions", _("还有问题没回答：%(text)s") % {"text": filled.walk.next.text})
    if filled.faults:
        raise NotReady("forms", _("表里还有 %(n)s 处要改。") % {"n": len(filled.faults)})
    if coming := [one for line in filled.lines for one in line.coming]:
        raise NotReady("materials", _("还有 %(n)s 个文件没传完，请传完或者拿掉再交。") % {"n": len(coming)})
    if missing := filled.missing:
        names = listed(line.material.name for line in missing)
        raise NotReady(
            "materials",
            _("还差 %(n)s 样：%(names)s。请上传，或者选“到窗口交”。") % {"n": len(missing), "names": names},
        )


def handed(line: drafts.MaterialLine) -> Handed:
    """Return what counts as handed in for one line."""
    match line.how:
        case "uploaded" | "filled":
            return Handed(CaseMaterial.State.COMPLETE, form=CaseMaterial.Form.ELECTRONIC)
        case "reuse":
            assert line.reused is not None
            return Handed(CaseMaterial.State.COMPLETE, form=line.reused.form, reused_from=line.reused.pk)
        case "shared":
            return Handed(CaseMaterial.State.COMPLETE)
        case "later":
            return Handed(CaseMaterial.State.LATER)
    return Handed(CaseMaterial.State.MISSING, note=_("申请人说到窗口交纸质的"))


def clipped(known: Collection[str], typed: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed of the fields `known`, never more than a form can hold. Raises DomainError."""
    kept = {name: text[: form_rules.MOST_TEXT] for name, text in typed.items() if name in known}
    if sum(map(len, kept.values())) > MOST_TYPED:
        raise DomainError(_("填的内容太长了，请写短一点。"))
    return kept


def no_draft() -> NoDraft:
    return NoDraft(_("这份申请已经交了或者删了，请到“我的”看看。"))


def record(
    draft: ApplicationDraft, kind: str, *, by: Applicant, at: datetime, data: dict[str, Any] | None = None
) -> None:
    ledger.record(f"draft:{draft.pk}", kind, region=draft.region_id, by=by, at=at, data=data)
