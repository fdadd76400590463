"""Service guides as the provincial list has them, made by hand: small, invented, one trait each."""

import gzip
import json
from pathlib import Path
from typing import Any

ORGAN = "11440232MB2D06811W"


def guide(n: int = 1, **fields: Any) -> dict[str, Any]:
    """The n-th row; `fields` replace what it says, None takes a key away."""
    catalog_code = f"440120{n:03d}000"
    row = {
        "TASK_CODE": f"{ORGAN}2{catalog_code}",
        "ORGCODE": "MB2D06811",
        "TASK_TYPE_TEXT": "行政许可",
        "TASK_TYPE": "01",
        "DEPT_NAME": "演示厅",
        "AREA_CODE_TEXT": "演示省",
        "AREACODE": "990000",
        "TASK_NAME": f"演示事项{n}",
        "CATAID": catalog_code,
        "CATANAME": "演示目录",
        "TASK_STATE": None,
        "matter_short": "无",
        "matter_daily": "无",
        "matter_level": "省级",
        "visit_number": "1",
        "handle_location": "办理地点：演示路 1 号",
        "handle_time": "20(工作日)",
        "handle_time_limit": "5(工作日)",
        "accept_standard": "在本省居住。",
        "consult_phone": "020-00000000",
        "complain_phone": "无",
        "courier_service": "是",
        "theme_category": ["创业"],
        "service_object_name": ["自然人", "企业法人"],
        "material_intro": ["申请表", "身份证"],
    } | fields
    return {key: value for key, value in row.items() if value is not None or key == "TASK_STATE"}


def write(path: Path, *rows: dict[str, Any] | str) -> Path:
    """Write rows, or lines as they stand, one a line; packed when the name ends in .gz."""
    text = "".join((row if isinstance(row, str) else json.dumps(row, ensure_ascii=False)) + "\n" for row in rows)
    raw = text.encode("utf-8", errors="surrogateescape")
    path.write_bytes(gzip.compress(raw) if path.name.endswith(".gz") else raw)
    return path
