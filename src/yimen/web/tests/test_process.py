"""The connections of a web process: what is slow, endless or ambiguous gets no page (REL-16, SEC-39)."""

import asyncio
import contextlib
import re

import pytest
from uvicorn.server import ServerState

from yimen.web import process
from yimen.web.front import Gate, Threads

GET = b"GET /a?b=c HTTP/1.1\r\nHost: yimen\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: yimen\r\n"


def talk(*pieces, waits=0.0, app=None):
    """Send `pieces`, wait for the server to close; return the status of each answer, what pages saw, all answered."""
    seen = []

    def page(environ, start):
        seen.append(environ | {"body": environ["wsgi.input"].read()})
        start("200 OK", [("Content-Length", "2")])
        return Chunks([b"ok"])

    async def run():
        state = ServerState()
        gate = Gate(Threads(app or page, 4), seconds=0.3, max_bytes=100_000, most=5)
        config = process.configuration(gate)
        config.load()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: process.Connection(config, state, {}, loop), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        answer = bytearray()

        async def listen():
            with contextlib.suppress(ConnectionError):
                while chunk := await reader.read(65536):
                    answer.extend(chunk)

        listening = asyncio.create_task(listen())
        for piece in pieces:
            if listening.done():
                break
            writer.write(piece)
            await asyncio.sleep(waits)
        async with asyncio.timeout(10):
            await listening
        writer.close()
        server.close()
        gate.pages.executor.shutdown()
        return bytes(answer)

    answer = asyncio.run(run())
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)], seen, answer


class Chunks(list):
    def close(self):
        pass


@pytest.fixture(autouse=True)
def hurry(monkeypatch, settings):
    settings.BODY_SECONDS = 0.3
    monkeypatch.setattr(process, "KEEP_ALIVE_SECONDS", 0.3)


def test_requests_of_one_connection_are_answered_in_their_order():
    statuses, seen, _ = talk(GET + POST + b"Content-Length: 5\r\n\r\nhello" + GET)
    assert statuses == [200, 200, 200]
    assert [(one["REQUEST_METHOD"], one["body"]) for one in seen] == [("GET", b""), ("POST", b"hello"), ("GET", b"")]
    assert (seen[0]["PATH_INFO"], seen[0]["QUERY_STRING"], seen[0]["HTTP_HOST"]) == ("/a", "b=c", "yimen")


def test_a_body_in_chunks_arrives_whole():
    statuses, seen, _ = talk(POST + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n", waits=0.01)
    assert (statuses, seen[0]["body"]) == ([200], b"hello")


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(
            POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="length and chunks"
        ),
        pytest.param(
            POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", id="chunks and length"
        ),
        pytest.param(POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", id="two lengths"),
        pytest.param(POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", id="the same length twice"),
        pytest.param(POST + b"Content-Length: +5\r\n\r\nhello", id="a length with a sign"),
        pytest.param(POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", id="another encoding"),
        pytest.param(POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", id="a space before the colon"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n5x\r\nhello\r\n0\r\n\r\n", id="a length with a letter"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloo\r\n0\r\n\r\n", id="a chunk too long"),
        pytest.param(POST + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n", id="a folded line"),
        pytest.param(POST + b"X: a\x00b\r\n\r\n", id="a zero byte"),
        pytest.param(POST + b"Host: other\r\n\r\n", id="two hosts"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n\rX: b\r\n\r\n", id="a lone return"),
        pytest.param(b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", id="an address that is no text"),
        pytest.param(b"hello\r\n\r\n", id="no HTTP"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(request_bytes):
    statuses, seen, _ = talk(request_bytes)
    assert (statuses, seen) == ([400], [])


def test_what_follows_a_whole_request_does_not_take_its_answer():
    statuses, seen, _ = talk(POST + b"Content-Length: 2\r\n\r\nhi" + b"nonsense\r\n\r\n")
    assert (statuses, len(seen)) == ([200], 1)


def test_trailers_do_not_join_the_headers():
    sent = POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n"
    statuses, seen, _ = talk(sent)
    assert statuses == [200] and "HTTP_X_FORWARDED_FOR" not in seen[0]


@pytest.mark.parametrize(
    "drip",
    [
        pytest.param([], id="nothing"),
        pytest.param([b"GET / HT"], id="half a line"),
        pytest.param([b"GET / HTTP/1.1\r\n", *[b"X: y\r\n"] * 40], id="line by line"),
        pytest.param([b"\r\n"] * 40, id="empty lines"),
        pytest.param([GET, *[b"\r\n"] * 40], id="empty lines after a page"),
    ],
)
def test_a_head_that_does_not_come_costs_the_connection(drip):
    statuses, seen, _ = talk(*drip, waits=0.02)
    assert len(statuses) == len(seen) == drip.count(GET)


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(b"GET /", id="in the address"),
        pytest.param(b"GET / HTTP/1.1\r\nX: ", id="in a header"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: ", id="in a trailer"),
    ],
)
def test_an_endless_head_is_cut(start):
    statuses, seen, _ = talk(start, *[b"a" * 30_000] * 5, waits=0.01)
    assert statuses in ([431], [400], []) and not seen


def test_an_upgrade_is_answered_as_a_page_and_the_connection_ends():
    asked = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    statuses, seen, answer = talk(asked + GET)
    assert (statuses, len(seen)) == ([200], 1) and b"connection: close" in answer


def test_who_sends_too_many_ahead_is_cut():
    assert len(talk(GET * 200)[1]) < 200


def test_more_connections_than_allowed_are_told_to_come_back(settings):
    settings.MAX_CONNECTIONS = 0
    statuses, seen, answer = talk(GET)
    assert (statuses, seen) == ([503], []) and b"Retry-After: 2" in answer


def test_a_long_answer_comes_whole_and_in_pieces():
    def page(environ, start):
        start("200 OK", [])
        return Chunks([bytes([n]) * 100_000 for n in range(20)])

    statuses, _seen, answer = talk(GET, app=page)
    assert statuses == [200] and answer.endswith(b"0\r\n\r\n")
    assert all(answer.count(bytes([n]) * 1000) >= 95 for n in range(20))


def test_what_breaks_outside_django_is_a_500():
    def page(environ, start):
        raise RuntimeError("broken")

    statuses, _seen, answer = talk(GET, app=page)
    assert statuses == [500] and b"broken" not in answer
