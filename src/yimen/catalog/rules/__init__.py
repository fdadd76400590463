"""
What makes an item fit to publish, and what its codes mean: pure functions over plain values.

Source: docs/rules/items.md
"""

from yimen.catalog.rules.codes import CodeScheme, InvalidItemCode, TaskCode, check_codes, read_task_code
from yimen.catalog.rules.flows import (
    AFTER_DECISION,
    DELIVERY_DAYS,
    OFF_THE_CLOCK,
    BrokenFlow,
    Step,
    decision_faults,
    flow_faults,
    longest_path,
)
from yimen.catalog.rules.limits import is_longer, working_days_in
from yimen.catalog.rules.publishing import Edition, fee_fault, limit_fault, missing_openings, publish_faults

__all__ = [
    "AFTER_DECISION",
    "DELIVERY_DAYS",
    "OFF_THE_CLOCK",
    "BrokenFlow",
    "CodeScheme",
    "Edition",
    "InvalidItemCode",
    "Step",
    "TaskCode",
    "check_codes",
    "decision_faults",
    "fee_fault",
    "flow_faults",
    "is_longer",
    "limit_fault",
    "longest_path",
    "missing_openings",
    "publish_faults",
    "read_task_code",
    "working_days_in",
]
