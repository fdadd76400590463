"""The figures of the catalogue as tables; see insight.tables."""

from __future__ import annotations

from django.utils.translation import gettext as _

from yimen.insight.catalogue_figures import CompressionReport, Edition, ReductionReport
from yimen.insight.failures import Failure
from yimen.insight.handling import Change, Trend
from yimen.insight.quality import Finding
from yimen.insight.tables import Table, Value
from yimen.lib.dates import limit_words
from yimen.lib.workdays import Limit


def limit_text(limit: Limit | None) -> str:
    """Return 15 个工作日, 当场 for 0, or nothing where there is no limit."""
    if limit is None:
        return ""
    if not limit.number:
        return _("当场")
    return limit_words(limit)


def compression_by_unit(report: CompressionReport) -> Table:
    columns = {
        "unit": _("单位"),
        "items": _("可比事项（项）"),
        "statutory_days": _("法定合计（工作日）"),
        "promised_days": _("承诺合计（工作日）"),
        "saved_days": _("少（工作日）"),
        "total_rate": _("总压缩率（%）"),
        "mean_rate": _("各项平均压缩率（%）"),
        "skipped": _("不可比（项）"),
    }
    rows: list[dict[str, Value]] = [
        {
            "unit": name,
            "items": figures.item_count,
            "statutory_days": figures.statutory_days,
            "promised_days": figures.promised_days,
            "saved_days": figures.saved_days,
            "total_rate": figures.total_rate,
            "mean_rate": figures.mean_rate,
            "skipped": figures.skipped_count,
        }
        for name, figures in [*((unit.name, unit.figures) for unit in report.units), (_("合计"), report.total)]
    ]
    return Table(columns, rows[:-1], total=rows[-1])


def compression_by_item(report: CompressionReport) -> Table:
    columns = {
        "item": _("事项"),
        "unit": _("单位"),
        "statutory": _("法定时限"),
        "promised": _("承诺时限"),
        "saved": _("少"),
        "rate": _("压缩率（%）"),
    }
    rows = [
        {
            "item": row.name,
            "unit": row.department,
            "statutory": limit_text(row.statutory),
            "promised": limit_text(row.promised),
            "saved": row.saved,
            "rate": row.rate,
        }
        for row in report.items
    ]
    return Table(columns, rows)


def trend_sheet(trend: Trend) -> Table:
    columns = {
        "item": _("事项"),
        "unit": _("单位"),
        "old_count": _("前一段办结（件）"),
        "new_count": _("后一段办结（件）"),
        "old_days": _("前一段平均（工作日）"),
        "new_days": _("后一段平均（工作日）"),
        "old_median": _("前一段中位数（工作日）"),
        "new_median": _("后一段中位数（工作日）"),
        "less": _("少用时间（%）"),
        "share": _("用时占比（%）"),
        "index": _("效率指数（%）"),
    }

    def line(row: Change) -> dict[str, Value]:
        return {"item": row.label, "unit": row.department} | {key: getattr(row, key) for key in list(columns)[2:]}

    return Table(
        columns,
        [line(row) for row in trend.rows],
        total=line(trend.total) if trend.total else None,
        facts={
            "old_start": (_("前一段从"), trend.old.start),
            "old_end": (_("前一段到"), trend.old.end),
            "new_start": (_("后一段从"), trend.new.start),
            "new_end": (_("后一段到"), trend.new.end),
            "only_old": (_("只在前一段有办结的事项，办结（件）"), trend.only_old),
            "only_new": (_("只在后一段有办结的事项，办结（件）"), trend.only_new),
        },
    )


def reduction_sheet(report: ReductionReport) -> Table:
    columns = {
        "item": _("事项"),
        "unit": _("单位"),
        "steps_before": _("原来（步）"),
        "steps_after": _("现在（步）"),
        "materials_before": _("原来要带（样）"),
        "materials_after": _("现在要带（样）"),
        "promised_before": _("原来承诺"),
        "promised_after": _("现在承诺"),
        "saved": _("少（日）"),
    }

    def line(name: str, unit: str, before: Edition, after: Edition, saved: int | None) -> dict[str, Value]:
        return {
            "item": name,
            "unit": unit,
            "steps_before": before.step_count,
            "steps_after": after.step_count,
            "materials_before": before.material_count,
            "materials_after": after.material_count,
            "promised_before": limit_text(before.promised),
            "promised_after": limit_text(after.promised),
            "saved": saved,
        }

    total: dict[str, Value] = {
        "item": _("合计"),
        "steps_before": report.steps[0],
        "steps_after": report.steps[1],
        "materials_before": report.materials[0],
        "materials_after": report.materials[1],
        "saved": report.saved_days,
    }
    rows = [line(row.name, row.department, row.before, row.after, row.saved) for row in report.rows]
    return Table(columns, rows, total=total)


def quality_sheet(findings: list[Finding]) -> Table:
    columns = {"finding": _("看什么"), "count": _("有几项"), "of": _("一共几项"), "rate": _("占比（%）")}
    rows: list[dict[str, Value]] = [
        {"finding": str(one.words), "count": one.count, "of": one.of, "rate": one.rate} for one in findings
    ]
    return Table(columns, rows)


def failures_sheet(found: list[Failure], names: dict[str, str]) -> Table:
    columns = {"item": _("事项"), "stage": _("在哪一步"), "what": _("为什么"), "count": _("件")}
    rows: list[dict[str, Value]] = [
        {"item": names.get(str(one.item), ""), "stage": one.stage_words, "what": one.what, "count": one.count}
        for one in found
    ]
    return Table(columns, rows)
