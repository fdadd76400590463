"""Flows ready to be drawn or written."""

from __future__ import annotations

from yimen.catalog.flowchart import ChartStep
from yimen.catalog.models import ItemVersion, ScenarioOption
from yimen.catalog.rules import Step


def option_labels(version: ItemVersion) -> dict[str, str]:
    """Return what each option of the edition's questions says, by "question.option", in the order they are asked."""
    rows = ScenarioOption.objects.filter(question__version=version).select_related("question")
    return {f"{row.question.key}.{row.key}": row.label for row in rows.order_by("question__position", "position")}


def chart_steps(version: ItemVersion) -> list[ChartStep]:
    """
    Return the flow of an edition for flowchart.chart() and bpmn.write().

    One query more than loading version.steps and version.item.department, when a step depends on an answer.
    """
    steps = list(version.steps.all())
    labels = option_labels(version) if any(step.when for step in steps) else {}
    own = version.item.department
    return [
        ChartStep(
            Step(
                step.key, step.name, step.kind, step.post, step.authority, step.limit_days,
                tuple(step.after), tuple(step.when),
            ),
            step.department.name if step.department else own.name,
            tuple(labels.get(name, name) for name in step.when),
        )
        for step in steps
    ]  # fmt: skip
