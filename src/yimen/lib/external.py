"""A PostgreSQL server somebody else runs: is it new enough, and can it search Chinese text?"""

import os

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from yimen.lib.errors import DomainError

OLDEST = 15


class ServerUnusable(DomainError):
    """The database server lacks something; the text says what to do."""


def problems(connection: psycopg.Connection) -> list[str]:
    """Return what this server lacks, a sentence each; nothing when it is good."""
    found = []
    if connection.info.server_version < OLDEST * 10000:
        found.append(
            _("数据库是 PostgreSQL %(version)s，至少需要 %(oldest)s。")
            % {"version": connection.info.server_version // 10000, "oldest": OLDEST}
        )
    if not connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'").fetchone():
        found.append(_("数据库缺少扩展 pg_trgm 和 btree_gist：请由管理员在本库中 CREATE EXTENSION。"))
    elif not (connection.execute("SELECT cardinality(show_trgm('政务'))").fetchone() or [0])[0]:
        found.append(_("数据库的语言环境不能检索中文：请用 LC_CTYPE 'C.UTF-8'、编码 UTF8 重新建库。"))
    return found


def require_usable(url: str) -> None:
    """Raise ServerUnusable when the server at `url` is too old or cannot search Chinese text."""
    with psycopg.connect(url, connect_timeout=3, autocommit=True) as connection:
        found = problems(connection)
    if found:
        raise ServerUnusable(" ".join(found))


def owner_url() -> str:
    """Return the owner's address; raises ImproperlyConfigured when it is not set."""
    url = os.environ.get("DATABASE_OWNER_URL", "").strip()
    if not url:
        raise ImproperlyConfigured(_("修改表结构需要所有者的地址：请设置 DATABASE_OWNER_URL。"))
    return url
