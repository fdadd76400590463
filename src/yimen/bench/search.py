"""
Search over a hundred thousand invented items of one region: time in the database beside one raw look-up of the index.

Names are things x acts x kinds, so that some pairs are rare and some are in ten thousand names, as in a large city.
"""

from __future__ import annotations

import random
import re
import statistics
import time
from itertools import product
from typing import Any

import psycopg
from django.db import connection, transaction

from yimen.bench.measure import Figure, figure, recording
from yimen.catalog import actions, queries, search
from yimen.catalog.models import ItemType, ItemVersion
from yimen.lib.ids import uuid7
from yimen.people.models import Department, Region

_WORD = re.compile(r"\S+")
ACTS = _WORD.findall("""
    新办 变更 延续 补发 注销 查询 年度报告 备案 迁入 信息更正 申报 审批 核准 登记 认定 换领 公示 咨询 预约 奖励
""")
FIELDS = _WORD.findall("""
    食品 药品 道路 房屋 土地 社会保险 医疗 教育 养老 残疾人 消防 建设工程 环境 林木 水利 农业 渔业 文化 旅游 体育
    公证 律师 税务 燃气 供电 供水 交通 船舶 矿产 气象 档案 统计 广告 商标 计量 特种设备 危险化学品 烟草 出版物 电影
    宗教 民族 侨务 外国人 退役军人 公积金 户籍 婚姻 殡葬 地名
""")
THINGS = _WORD.findall("""
    经营许可 生产许可 执业资格 机构设立 从业人员证书 服务网点 检测机构 场所使用 项目立项 产品名录
    安全评价 技术职称 补助资金 培训班 设施占用 运输证明 行业协会 质量监督 信用记录 进度结果
""")
KINDS = ("", "（个人）", "（单位）", "（一件事）", "（分中心办理）")
WORDS = _WORD.findall("食品 许可证 养老 户籍迁入 燃气 公证 补发 船舶登记 消防安全 律师执业资格")
QUESTIONS = _WORD.findall("""
    开饭馆要办什么证 养老金怎么领 残疾证丢了怎么补 户口迁到外地 公积金怎么提取 开药店 公司注销流程 燃气过户
    孩子转学要什么材料 老人补贴 请律师没钱 房子过户 结婚要带什么 电表换户主 砍树要批吗 shipin 食品径营许可
    營業執照 去香港签注 退伍军人补助
""")


def fill(department: Department) -> int:
    """Publish FIELDS x THINGS x ACTS x KINDS items of `department`, and count their tokens; return how many."""
    pattern = ItemVersion.objects.filter(state="published").values().first()
    assert pattern
    columns = [name for name in pattern if name not in ("id", "item_id", "name", "everyday_names")]
    rows = []
    for n, (field, thing, act, kind) in enumerate(product(FIELDS, THINGS, ACTS, KINDS)):
        version = ItemVersion(name=f"{field}{thing}{act}{kind}")
        tokens = search.tokens_of(version, department.name)
        rows.append((uuid7(), uuid7(), f"bench-{n}", version.name, tokens))
    random.Random(5).shuffle(rows)
    shared = (department.region_id, department.pk, "", "", "", True, "", "bench", ItemType.LICENSE.value)
    # Items and editions point at each other; the keys are checked at the end of the transaction.
    with transaction.atomic(), connection.cursor() as cursor:
        with cursor.copy(
            "COPY catalog_serviceitem (id, published_id, task_code, name, tokens, region_id, department_id,"
            " catalog_code, local_catalog_code, local_task_code, should_enter, exempt_reason, source, item_type)"
            " FROM STDIN"
        ) as copy:
            for row in rows:
                copy.write_row((*row, *shared))
        named = ", ".join(f'"{name}"' for name in columns)
        taken = ", ".join(f'v."{name}"' for name in columns)
        cursor.execute(
            f"""
            INSERT INTO catalog_itemversion (id, item_id, name, everyday_names, {named})
            SELECT i.published_id, i.id, i.name, '{{}}', {taken}
            FROM catalog_serviceitem i, catalog_itemversion v WHERE i.source = 'bench' AND v.id = %s
            """,  # the columns are the model's own
            [pattern["id"]],
        )
    actions.recount(department.region)
    return len(rows)


def bench(region: Region, url: str, *, rounds: int) -> list[Figure]:
    """
    Measure words, everyday questions and suggestions; `url` for the raw look-up of one token.

    The database's time is that of the statements of one search, one after the other, round trips included.
    """
    rows = []
    for what, asked in (("search, a word", WORDS), ("search, an everyday question", QUESTIONS)):
        whole, inside = [0.0], [0.0]
        for n in range(rounds):
            spent, began = _spent(), time.perf_counter()
            with spent:
                queries.search(asked[n % len(asked)], 20, region=region)
            whole.append(time.perf_counter() - began)
            inside.append(spent.seconds)
        for took in (whole, inside):
            took[0] = sum(took)
        rows.append(figure(f"{what}, in the database", 1, inside))
        rows.append(figure(f"{what}, whole", 1, whole, statements=_statements(asked[0], region)))
    rows.append(figure("the index raw, one word", 1, _raw(url, region, rounds)))
    return rows


class _spent:
    """Adds up the time statements take."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __enter__(self) -> None:
        self._wrapper = connection.execute_wrapper(self._time)
        self._wrapper.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._wrapper.__exit__(*error)

    def _time(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.seconds += time.perf_counter() - began


def _statements(text: str, region: Region) -> int:
    with recording() as sent:
        queries.search(text, 20, region=region)
    return len(sent)


def _raw(url: str, region: Region, rounds: int) -> list[float]:
    took = [0.0]
    with psycopg.connect(url, autocommit=True) as raw:
        for n in range(rounds):
            token = WORDS[n % len(WORDS)][:2]
            began = time.perf_counter()
            raw.execute(
                "SELECT id, name FROM catalog_serviceitem WHERE tokens @> ARRAY[%s] AND region_id = %s LIMIT 20",
                ["=" + token, region.pk],
            ).fetchall()
            took.append(time.perf_counter() - began)
    took[0] = sum(took)
    return took


def median_ms(took: list[float]) -> float:
    return statistics.median(took[1:]) * 1000
