"""
Search over a hundred thousand invented items of one region: time in the database beside one raw look-up of the index.

Names are things x acts x kinds, so that some pairs are rare and some are in ten thousand names, as in a large city.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from functools import partial
from itertools import product
from urllib.parse import quote

import psycopg
from django.db import connection, transaction

from yimen.bench.measure import Figure, figure, recording
from yimen.catalog import actions, queries, search
from yimen.catalog.models import ItemType, ItemVersion
from yimen.catalog.queries import finding
from yimen.faults.client import Client
from yimen.faults.platform import Platform
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
    places = actions.new_places(len(rows))
    shared: tuple[object, ...] = (
        department.region_id,
        department.pk,
        "",
        "",
        "",
        True,
        "",
        "bench",
        ItemType.LICENSE.value,
        [],
    )
    # Items and editions point at each other; the keys are checked at the end of the transaction.
    with transaction.atomic(), connection.cursor() as cursor:
        with cursor.copy(
            "COPY catalog_serviceitem (id, published_id, task_code, name, tokens, region_id, department_id,"
            " catalog_code, local_catalog_code, local_task_code, should_enter, exempt_reason, source, item_type,"
            " everyday_names, place) FROM STDIN"
        ) as copy:
            for row, place in zip(rows, places, strict=True):
                copy.write_row((*row, *shared, place))
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


def bench(region: Region, platform: Platform, *, rounds: int) -> list[Figure]:
    """
    Measure words, everyday questions and suggestions while typing, beside the raw look-up of one token.

    The database's time is its own, of all statements that lead to ranked candidates, planning included.
    """
    with psycopg.connect(platform.urls.admin, autocommit=True) as admin:
        admin.execute("GRANT SET ON PARAMETER log_min_duration_statement TO yimen_app")
        admin.execute("VACUUM ANALYZE")
    rows = []
    for what, asked in (("search, a word", WORDS), ("search, an everyday question", QUESTIONS)):
        texts = [asked[n % len(asked)] for n in range(rounds)]
        for text in asked:  # each connection plans afresh what it has done five times
            finding.ranked_for(text, region.pk)
        with _server_time() as spent:
            inside = [spent.of(partial(finding.ranked_for, text, region.pk)) for text in texts]
        rows.append(figure(f"{what}, in the database", 1, [sum(inside), *inside]))
        whole = [_timed(partial(queries.search, text, 20, region=region)) for text in texts]
        rows.append(figure(f"{what}, whole", 1, [sum(whole), *whole], statements=_statements(asked[0], region)))
    rows.append(figure("the lists raw, one word", 1, _raw(platform.urls.app, region, rounds)))
    client = Client(platform.port)
    typed = [quote(text[:end]) for text in (*WORDS, *QUESTIONS) for end in range(1, len(text) + 1)]
    random.Random(5).shuffle(typed)
    client.get(f"/search/suggest?q={typed[0]}")
    took = [_timed(lambda: _suggested(client, typed[n % len(typed)])) for n in range(rounds)]  # noqa: B023
    rows.append(figure("suggestions while typing, HTTP", 1, [sum(took), *took]))
    return rows


def _suggested(client: Client, text: str) -> None:
    reply = client.get(f"/search/suggest?q={text}")
    if reply.status != 200:
        raise RuntimeError(f"{reply.status} for suggestions")


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


class _server_time:
    """Lets the database say how long each statement took it, by its own clock."""

    _SAID = re.compile(r"duration: ([\d.]+) ms")

    def __init__(self) -> None:
        self._seconds = 0.0

    def __enter__(self) -> _server_time:
        self._send("SET client_min_messages = log; SET log_min_duration_statement = 0")
        connection.connection.add_notice_handler(self._note)
        return self

    def __exit__(self, *error: object) -> None:
        connection.connection.remove_notice_handler(self._note)
        self._send("RESET log_min_duration_statement; RESET client_min_messages")

    def of(self, act: Callable[[], object]) -> float:
        """Return the seconds the statements of `act` took."""
        self._seconds = 0.0
        act()
        return self._seconds

    def _note(self, said: psycopg.errors.Diagnostic) -> None:
        if found := self._SAID.match(said.message_primary or ""):
            self._seconds += float(found[1]) / 1000

    @staticmethod
    def _send(text: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(text)


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
                "SELECT places FROM catalog_posting WHERE token = %s AND region_id = %s", ["=" + token, region.pk]
            ).fetchall()
            took.append(time.perf_counter() - began)
    took[0] = sum(took)
    return took
