"""Taking a number by phone, asking for more minutes; how near is near; slips as pictures."""

from contextlib import nullcontext
from datetime import time, timedelta
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from yimen.hall import actions, queries
from yimen.hall.actions import joining
from yimen.hall.models import Ticket
from yimen.hall.rules import joining as rules
from yimen.hall.tests.factories import make_hall, make_series, make_window, take
from yimen.ledger.actions import PUBLIC, SYSTEM
from yimen.ledger.models import Event
from yimen.lib import receipts
from yimen.people.tests.factories import NOW

HERE = (30.0000, 120.0000)
latitudes, longitudes = st.floats(-89, 89), st.floats(-179, 179)


@given(latitudes, longitudes, latitudes, longitudes)
def test_a_way_is_as_long_back_as_there_and_never_longer_than_half_the_earth(a, b, c, d):
    there, back = rules.metres_between(a, b, c, d), rules.metres_between(c, d, a, b)
    assert there == pytest.approx(back, abs=1e-3)
    assert 0 <= there <= 20_016_000
    assert rules.metres_between(a, b, a, b) == 0


def test_a_degree_of_latitude_is_111_kilometres():
    assert rules.metres_between(30, 120, 31, 120) == pytest.approx(111_195, rel=1e-3)


@given(st.floats(0, 50_000), st.floats(100, 20_000), st.floats(-10, 1e6))
def test_a_phone_in_doubt_counts_as_near_by_500_metres_at_most(distance, radius, doubt):
    assert rules.is_near(distance, radius, doubt) <= (distance <= radius + rules.MOST_DOUBT)
    assert rules.is_near(distance, radius, doubt) >= (distance <= radius)


@pytest.mark.parametrize(
    ("typed", "code", "fits"),
    [("ab12cd", "AB12CD", True), (" ab1-2cd ", "AB12CD", True), ("", "", False), ("x", "", False)],
)
def test_the_code_at_the_door(typed, code, fits):
    assert rules.same_code(typed, code) == fits


def lined_up(**fields):
    series = make_series(make_hall(**fields))
    make_window(series)
    return series


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({"code": "AB12CD"}, True),
        ({"code": "WRONG1"}, False),
        ({"place": (*HERE, 20.0)}, True),
        ({"place": (31.0, 120.0, 20.0)}, False),
        ({}, False),
    ],
)
def test_a_number_by_phone_needs_the_code_or_to_be_near_and_the_place_is_kept_nowhere(given, taken):
    series = lined_up(join_code="AB12CD", latitude=HERE[0], longitude=HERE[1], radius=800)
    if not taken:
        with pytest.raises(joining.NotHereYet):
            joining.join(series.pk, by=PUBLIC, at=NOW, **given)
        assert not Ticket.objects.exists()
        return
    ticket = joining.join(series.pk, by=PUBLIC, at=NOW, **given)
    assert ticket.source == "web"
    stored = str(Ticket.objects.values().get()) + str(list(Event.objects.values_list("data", flat=True)))
    assert "AB12CD" not in stored and "120.0" not in stored


@pytest.mark.django_db
def test_a_hall_that_does_not_say_so_gives_no_numbers_by_phone():
    with pytest.raises(joining.NotHereYet, match="自助机"):
        joining.join(lined_up().pk, by=PUBLIC, at=NOW, code="", place=(*HERE, 5.0))


def order(series):
    waiting = Ticket.objects.filter(series=series, status="waiting").order_by("queue_at", "number")
    return list(waiting.values_list("number", flat=True))


@pytest.mark.django_db
@pytest.mark.parametrize(("people", "after"), [(6, [2, 3, 4, 1, 5, 6]), (3, [2, 3, 1])])
def test_more_minutes_let_three_people_go_first_once(people, after):
    series = lined_up()
    tickets = [take(series, NOW + timedelta(seconds=n)) for n in range(people)]
    later = NOW + timedelta(minutes=1)
    joining.put_off(tickets[0].pk, by=PUBLIC, at=later)
    assert order(series) == after
    assert queries.ahead_of(queries.get_ticket(tickets[0].pk)).people == min(3, people - 1)
    with pytest.raises(joining.AlreadyPutOff):
        joining.put_off(tickets[0].pk, by=PUBLIC, at=later)


@pytest.mark.django_db
def test_nobody_behind_means_nothing_to_put_off_and_the_try_is_not_used_up():
    series = lined_up()
    ticket = take(series)
    with pytest.raises(actions.WrongStep):
        joining.put_off(ticket.pk, by=PUBLIC, at=NOW)
    take(series, NOW + timedelta(seconds=1))
    assert joining.put_off(ticket.pk, by=PUBLIC, at=NOW).put_off_at == NOW


# Slips


def picture(data: bytes) -> Image.Image:
    """What a printer would put on the paper: the raster bands of GS v 0, one below the other."""
    stream, bands = BytesIO(data), []
    assert stream.read(2) == b"\x1b@"
    while stream.read(4) == b"\x1dv0\x00":
        head = stream.read(4)
        columns, rows = head[0] + 256 * head[1], head[2] + 256 * head[3]
        bands.append(Image.frombytes("1", (columns * 8, rows), stream.read(columns * rows)))
    page = Image.new("1", (bands[0].width, sum(band.height for band in bands)))
    y = 0
    for band in bands:
        page.paste(band, (0, y))
        y += band.height
    return page


@pytest.mark.parametrize("width", [576, 384])
def test_a_printer_gets_the_slip_as_it_was_drawn(width, capsys):
    parts = [
        receipts.Text("A027", 120, True, True),
        receipts.Rule(),
        receipts.Text("还差 2 样：店面布局图", 28, has_box=True),
    ]
    page = receipts.draw([*parts, receipts.Code("https://example.invalid/t/1")], width)
    printed = picture(receipts.encode(page))
    assert page.width == width
    # Black is 1 on paper and 0 in the picture.
    assert printed.tobytes() == bytes(255 - one for one in page.tobytes())
    assert capsys.readouterr().out == ""


@given(st.text(alphabet="中文字，。、 abcA027:–\n", max_size=60), st.sampled_from([24, 32]))
def test_lines_fit_the_paper_and_lose_nothing(words, size):
    lines = receipts.lines_of(words, size, 360)
    assert "".join("".join(lines).split()) == "".join(words.split())
    for line in lines:
        text = line.rstrip("，。、")
        assert receipts._font(size).getlength(text) <= 360 or len(receipts._pieces(text)) == 1


@pytest.mark.parametrize(
    ("kind", "target", "fits"),
    [
        ("network", "192.168.1.50:9100", True), ("network", "printer-1.hall:9101", True), ("network", "db:5432", False),
        ("file", "k1", True), ("file", "/dev/usb/lp0", True), ("file", "/etc/passwd", False), ("file", "../k1", False),
    ],
)  # fmt: skip
def test_where_slips_may_go(kind, target, fits):
    if fits:
        assert receipts.check_target(kind, target) == target
    else:
        with pytest.raises(receipts.BadTarget):
            receipts.check_target(kind, target)


def test_a_printer_that_is_not_there_is_said_at_once(tmp_path):
    with pytest.raises(receipts.NotPrinted):
        receipts.send(b"x", kind="network", target="127.0.0.1:9198", folder=tmp_path)
    with pytest.raises(receipts.NotPrinted):
        receipts.send(b"x", kind="file", target="/dev/usb/lp99", folder=tmp_path)
    receipts.send(b"x", kind="file", target="k1", folder=tmp_path)
    receipts.send(b"y", kind="file", target="k1", folder=tmp_path)
    assert (tmp_path / "k1.bin").read_bytes() == b"xy"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("keeps_hours", "opens", "taken"),
    [(True, time(9), True), (True, time(9, 15), True), (True, time(9, 16), False), (False, time(14), True)],
    ids=["open", "ten minutes before", "too early", "keeps no hours"],
)
def test_nobody_takes_a_number_at_home_before_the_hall_opens(keeps_hours, opens, taken):
    series = make_series(make_hall(join_code="AB12CD", keeps_hours=keeps_hours))
    actions.set_week(series.hall_id, {3: [(opens, time(17))]}, by=SYSTEM, at=NOW)
    with nullcontext() if taken else pytest.raises(joining.NotHereYet, match="10 分钟"):
        joining.join(series.pk, by=PUBLIC, at=NOW, code="AB12CD")
    assert Ticket.objects.exists() is taken
