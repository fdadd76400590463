from __future__ import annotations

import select
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg import _queries
from psycopg_pool import ConnectionPool

# Statements a connection keeps prepared; the acts and pages of a working day are fewer.
MOST_PREPARED = 400
# psycopg reads a statement for its placeholders each time when it is longer, or has more of them, than these; ours are
# long and always the same. It keeps the last 128.
_queries.MAX_CACHED_STATEMENT_LENGTH = 40_000
_queries.MAX_CACHED_STATEMENT_PARAMS = 400


class DatabaseWrapper(base.DatabaseWrapper):
    """Takes connections from the pool without a round trip, unless their server has something to say."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> psycopg.Connection[Any]:
        connection: psycopg.Connection[Any] = super().get_new_connection(conn_params)
        while self.pool and has_news(connection) and not answers(connection):
            self.pool.putconn(connection)  # which throws it away
            connection = super().get_new_connection(conn_params)
        connection.prepared_max = MOST_PREPARED
        return connection


def has_news(connection: psycopg.Connection[Any]) -> bool:
    """
    Tell whether there is something to read on an idle connection. A server that ends it, restarts or dies closes its
    side, and that is something to read.
    """
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def answers(connection: psycopg.Connection[Any]) -> bool:
    try:
        ConnectionPool.check_connection(connection)
    except psycopg.Error:
        return False
    return True
