"""
What makes an item fit to publish, and what its codes mean: pure functions over plain values.

Source: docs/rules/items.md
"""

from yimen.catalog.rules.codes import (
    CodeScheme,
    InvalidItemCode,
    TaskCode,
    check_catalog_code,
    check_codes,
    check_local_code,
    read_task_code,
)
from yimen.catalog.rules.flows import (
    AFTER_DECISION,
    DELIVERY_DAYS,
    OFF_THE_CLOCK,
    BrokenFlow,
    Step,
    all_before,
    decision_faults,
    direct_after,
    faults_by_step,
    flow_faults,
    longest_path,
    slowest_way,
)
from yimen.catalog.rules.limits import is_longer, working_days_in
from yimen.catalog.rules.publishing import (
    AskedMaterial,
    Edition,
    Sharing,
    fee_fault,
    limit_fault,
    material_faults,
    missing_openings,
    obtainable_from,
    plain_name,
    publish_faults,
)

__all__ = [
    "AFTER_DECISION",
    "DELIVERY_DAYS",
    "OFF_THE_CLOCK",
    "AskedMaterial",
    "BrokenFlow",
    "CodeScheme",
    "Edition",
    "InvalidItemCode",
    "Sharing",
    "Step",
    "TaskCode",
    "all_before",
    "check_catalog_code",
    "check_codes",
    "check_local_code",
    "decision_faults",
    "direct_after",
    "faults_by_step",
    "fee_fault",
    "flow_faults",
    "is_longer",
    "limit_fault",
    "longest_path",
    "material_faults",
    "missing_openings",
    "obtainable_from",
    "plain_name",
    "publish_faults",
    "read_task_code",
    "slowest_way",
    "working_days_in",
]
