"""Slow and oversized requests never take a thread (REL-16, SEC-39)."""

import asyncio

import pytest

from yimen.web.front import Gate, Router


class Sender:
    """A client that sends `chunks`, then nothing more, or leaves."""

    def __init__(self, *chunks, ends=True, leaves=False, pause=0.0):
        self.pause = pause
        self.messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
        if leaves:
            self.messages.append({"type": "http.disconnect"})
        elif ends:
            self.messages.append({"type": "http.request", "body": b"", "more_body": False})
        self.read = 0

    async def __call__(self):
        if not self.messages:
            await asyncio.sleep(60)
        if self.read:
            await asyncio.sleep(self.pause)
        self.read += 1
        return self.messages.pop(0)


def ask(sender, *, headers=(), most=5, app=None, seconds=0.05, max_bytes=100):
    """Return status, headers, and the body that the page saw (None when it was not asked)."""
    sent, seen = [], []

    async def page(scope, body, send):
        seen.append((body.read(), scope))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

    async def send(message):
        sent.append(message)

    gate = Gate(app or page, seconds=seconds, max_bytes=max_bytes, most=most)
    scope = {"type": "http", "path": "/", "headers": list(headers)}
    asyncio.run(gate(scope, sender, send))
    assert (gate.inside, gate.held_bytes) == (0, 0), "what a request held is given back"
    status = sent[0]["status"] if sent else None
    return status, dict(sent[0]["headers"]) if sent else {}, seen[0] if seen else None


def test_a_whole_request_is_passed_on():
    status, _, seen = ask(Sender(b"a" * 60, b"b" * 40))
    assert status == 200
    assert seen[0] == b"a" * 60 + b"b" * 40


def test_a_body_that_does_not_arrive_is_given_up():
    status, headers, seen = ask(Sender(b"a", ends=False))
    assert (status, headers[b"retry-after"], headers[b"connection"], seen) == (408, b"2", b"close", None)


@pytest.mark.parametrize("piece, status", [(40_000, 200), (1, 408)], ids=["steady", "trickling"])
def test_whoever_sends_steadily_is_waited_for(piece, status):
    sender = Sender(*[b"a" * piece] * 10, pause=0.02)  # four times as long as a body may take
    assert ask(sender, max_bytes=1_000_000)[0] == status


def test_a_declared_giant_is_refused_before_it_is_read():
    sender = Sender(b"a" * 60)
    status, _, seen = ask(sender, headers=[(b"content-length", b"101")])
    assert (status, sender.read, seen) == (413, 0, None)


def test_an_undeclared_giant_is_refused_when_it_grows_too_large():
    status, _, seen = ask(Sender(b"a" * 60, b"b" * 41))
    assert (status, seen) == (413, None)


@pytest.mark.parametrize("length", [b"-1", b"1e3", b"\xc2\xb2", b""])
def test_a_length_that_is_no_number_is_refused(length):
    assert ask(Sender(b"a"), headers=[(b"content-length", length)])[0] == 400


def test_someone_who_leaves_gets_no_page():
    assert ask(Sender(b"a", leaves=True)) == (None, {}, None)


def test_too_many_at_once_are_told_to_come_back():
    status, headers, seen = ask(Sender(), most=0)
    assert (status, headers[b"retry-after"], seen) == (503, b"2", None)


def test_headers_with_underscores_do_not_pose_as_others():
    _, _, (_, scope) = ask(Sender(), headers=[(b"x_forwarded_for", b"1.2.3.4"), (b"x-real", b"1")])
    assert scope["headers"] == [(b"x-real", b"1")]


def test_a_large_body_waits_on_disk_and_arrives_whole():
    body = bytes(range(256)) * 8192
    status, _, seen = ask(Sender(body[:1_500_000], body[1_500_000:]), max_bytes=3_000_000, seconds=5)
    assert status == 200 and seen[0] == body


@pytest.mark.parametrize(("path", "room"), [("/events/hall/1", "live"), ("/", "pages"), ("/eventsx", "pages")])
def test_live_updates_have_their_own_door(path, room):
    asked = []

    def app(name):
        async def answer(scope, receive, send):
            asked.append(name)

        return answer

    asyncio.run(Router(app("pages"), app("live"))({"type": "http", "path": path}, None, None))
    assert asked == [room]
