"""
一次性告知书 (S0-30, S1-27, CASE-14): everything told at once, in parts that page and paper print word for word.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from yimen.catalog.leaflets import MaterialLine, Sheet, StepLine


@dataclass(frozen=True)
class Part:
    """One part: lines, then a table when there is one (head and rows of equal length)."""

    key: str
    title: str
    lines: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def notice_parts(sheet: Sheet) -> list[Part]:
    """Return the parts of the notice: matter, materials, procedure and duties, limit, fee, promises, where, samples."""
    heads = {head.key: head for head in sheet.heads}
    said = [
        _("%(label)s：%(text)s") % {"label": heads[key].label, "text": _in_line(heads[key].text)}
        for key in ("scope", "condition", "prohibitions", "quantity", "basis")
        if heads[key].is_stated
    ]
    parts = [
        Part("matter", _("这是什么事"), tuple(filter(None, [sheet.plain, *said]))),
        _materials(sheet),
        Part(
            "procedure",
            _("怎么办，每一步谁负责"),
            (sheet.procedure,) if sheet.procedure else (),
            (_("步骤"), _("单位和岗位"), _("职责"), _("时限")),
            tuple((step.name, f"{step.organ} {step.post}", _duties(step), step.limit) for step in sheet.steps),
        ),
        Part("limit", _("多久办好"), tuple(heads["limit"].text.splitlines())),
        _fee(sheet),
        Part("promises", _("我们的承诺"), sheet.promises),
        Part(
            "result",
            _("办好以后"),
            tuple(
                f"{heads[key].label}：{_in_line(heads[key].text)}"
                for key in ("result", "delivery", "rights")
                if heads[key].is_stated
            ),
        ),
        Part(
            "where",
            _("到哪里办，问谁，不满意找谁"),
            head=(),
            rows=(
                (_("地点"), sheet.place),
                (_("时间"), sheet.hours),
                (_("咨询"), sheet.phone),
                (_("监督投诉"), sheet.complaint),
                (_("查进度"), heads["progress"].text),
            ),
        ),
    ]
    samples = (
        Part(f"sample-{form.key}", _sample_title(form.title), (), (_("栏目"), _("这样填")), form.sample)
        for form in sheet.forms
        if form.sample
    )  # fmt: skip
    return [part for part in (*parts, *samples) if part.lines or part.rows]


def _in_line(text: str) -> str:
    return "；".join(line.rstrip("。；") for line in text.splitlines()) if "\n" in text else text


def _sample_title(title: str) -> str:
    return _("填好的样表：%(title)s") % {"title": title}


def _materials(sheet: Sheet) -> Part:
    lines = []
    if sheet.fetched:
        names = "、".join(line.name for line in sheet.fetched)
        lines.append(_("不用带：%(names)s。我们自己查。") % {"names": names})
    if not sheet.materials:
        lines.append(sheet.answers[0].answer)
    return Part(
        "materials",
        _("要带的材料，一样不落"),
        tuple(lines),
        (_("序号"), _("材料"), _("原件和份数"), _("怎么填、怎样才行")) if sheet.bring else (),
        tuple((str(n), line.name, line.count, "\n".join(_told(line))) for n, line in enumerate(sheet.bring, 1)),
    )


def _told(line: MaterialLine) -> Iterable[str]:
    if line.is_conditional:
        yield _("有的情形才要")
    if line.need:
        yield line.need
    if line.note:
        yield line.note
    if line.standard:
        yield line.standard
    if line.form_title:
        yield (
            _("填《%(title)s》，后面有填好的样表") if line.has_sample else _("填《%(title)s》")
        ) % {"title": line.form_title}  # fmt: skip
    if line.basis:
        yield _("依据：%(basis)s") % {"basis": line.basis}


def _duties(step: StepLine) -> str:
    if step.duties == step.authority:
        return step.duties
    return _("%(duties)s（可以：%(authority)s）") % {"duties": step.duties, "authority": step.authority}


def _fee(sheet: Sheet) -> Part:
    title = _("收费标准和依据")
    heads = {head.key: head.text for head in sheet.heads}
    if not sheet.fees:
        return Part("fee", title, tuple(heads["fee"].splitlines()))
    rows = tuple((fee.name, fee.standard, fee.basis, fee.reduction) for fee in sheet.fees)
    return Part(
        "fee",
        title,
        (sheet.fee_note,) if sheet.fee_note else (),
        (_("收费项目"), _("标准"), _("依据"), _("减免")),
        rows,
    )
