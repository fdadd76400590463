"""The embedded server survives what ends processes, and never outlives its parent."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest

from yimen.lib import database_url, embedded
from yimen.lib.embedded import Server, ServerFailed

PARENT = """
import sys, time
from django.conf import settings
settings.configure(USE_I18N=False)
from yimen.lib.embedded import Server
server = Server(sys.argv[1])
server.start()
print(server.pid, flush=True)
time.sleep(600)
"""


def wait_until(condition, seconds=15.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "took too long"
        time.sleep(0.02)


def runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture(scope="module")
def made(open_folder):
    """A folder with a server's data, made once and copied for each test."""
    folder = open_folder()
    with Server(folder / "postgres") as server, psycopg.connect(server.urls.owner) as session:
        session.execute("CREATE TABLE note (n int)")
    return folder


@pytest.fixture
def home(made, open_folder):
    folder = open_folder()
    subprocess.run(["cp", "-a", made / "postgres", made / "keys", folder], check=True)
    return folder


def start_parent(home):
    """Start a process that runs a server; returns it and the server's number."""
    told = home / "pid"
    with told.open("w") as out:
        parent = subprocess.Popen(
            [sys.executable, "-c", PARENT, str(home / "postgres")],
            stdout=out,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
    wait_until(lambda: told.read_text().endswith("\n"))
    return parent, int(told.read_text())


def notes(server):
    with psycopg.connect(server.urls.app) as session:
        return sorted(n for (n,) in session.execute("SELECT n FROM note"))


def test_it_starts_answers_and_leaves_nothing_running(home):
    server = Server(home / "postgres")
    server.start()
    pid = server.pid
    assert notes(server) == []
    server.stop()
    assert not runs(pid)
    assert not embedded._processes_in(server.data)
    assert not embedded._socket_folder(server.place).exists()


def test_roles_have_no_more_than_they_need(home):
    with Server(home / "postgres") as server, psycopg.connect(server.urls.admin) as session:
        facts = dict(
            session.execute("SELECT rolname, rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles").fetchall()
        )
        assert (facts[embedded.APP], facts[embedded.OWNER], facts[embedded.ADMIN]) == (False, False, True)
        methods = {row[0] for row in session.execute("SELECT auth_method FROM pg_hba_file_rules")}
        assert methods == {"scram-sha-256"}
        assert session.execute("SHOW listen_addresses").fetchone() == ("",)
    for key in (home / "keys").iterdir():
        assert key.stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_a_wrong_password_is_refused(home):
    with Server(home / "postgres") as server:
        wrong = server.urls.app.replace(embedded._password(server.keys, embedded.APP), "guess")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)


@pytest.mark.slow
def test_root_never_runs_it(home):
    with Server(home / "postgres") as server:
        uid = Path(f"/proc/{server.pid}").stat().st_uid
    assert uid != 0


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops to another account")
def test_a_closed_folder_gets_a_stand_in(tmp_path):
    home = tmp_path / "closed"
    home.mkdir(mode=0o700)
    server = Server(home / "postgres", fsync=False)
    assert server.place.parent == embedded._system_folder()
    try:
        with server, psycopg.connect(server.urls.app) as session:
            assert session.execute("SELECT 1").fetchone() == (1,)
    finally:
        shutil.rmtree(server.place)


@pytest.mark.slow
def test_kill_9_of_the_parent_takes_the_server_along_and_loses_nothing(home):
    parent, pid = start_parent(home)
    server = Server(home / "postgres")
    with psycopg.connect(server.urls.app, autocommit=True) as session:
        session.execute("INSERT INTO note SELECT generate_series(1, 50)")
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
    with server:
        assert notes(server) == list(range(1, 51))
    assert not runs(pid)


@pytest.mark.slow
def test_kill_9_of_parent_and_server_together_repairs_itself(home):
    parent, pid = start_parent(home)
    server = Server(home / "postgres")
    with psycopg.connect(server.urls.app, autocommit=True) as session:
        session.execute("INSERT INTO note VALUES (1)")
        os.kill(pid, signal.SIGKILL)
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
    assert (server.data / "postmaster.pid").exists(), "the note of the dead server is still there"
    with server:
        assert notes(server) == [1]


def test_a_note_with_somebody_elses_number_does_not_stop_the_start(home):
    (home / "postgres" / "data" / "postmaster.pid").write_text(f"{os.getppid()}\n/nowhere\n0\n5432\n\n\n  0  0\n")
    with Server(home / "postgres") as server:
        assert notes(server) == []


@pytest.mark.slow
def test_a_killed_server_is_started_again_and_says_why(home):
    said = []
    with Server(home / "postgres") as server:
        server.watch(said.append)
        first = server.pid
        with psycopg.connect(server.urls.app, autocommit=True) as session:
            session.execute("INSERT INTO note VALUES (7)")
        server.kill()
        wait_until(lambda: server.pid not in (None, first) and server._up.is_set())
        assert notes(server) == [7]
    assert len(said) == 1 and "SIGKILL" in said[0]


@pytest.mark.slow
def test_a_server_that_cannot_come_back_is_tried_with_growing_pauses(home):
    said = []
    with Server(home / "postgres") as server:
        server.watch(said.append)
        (server.data / "global" / "pg_control").rename(server.place / "aside")
        server.kill()
        wait_until(lambda: len(said) >= 3)
        (server.place / "aside").rename(server.data / "global" / "pg_control")
        wait_until(server._up.is_set, 30)
        assert notes(server) == []
    assert "pg_control" in said[1], "it says what is wrong"


@pytest.mark.slow
def test_an_initdb_that_was_killed_is_done_again(open_folder):
    folder = open_folder()
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(folder / "postgres")],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    place = Server(folder / "postgres").place
    wait_until(lambda: any(place.glob("data.new-*/global")))
    parent.kill()
    parent.wait()
    assert not (place / "data").exists()
    with Server(folder / "postgres", fsync=False) as server, psycopg.connect(server.urls.app) as session:
        assert session.execute("SELECT cardinality(show_trgm('政务'))").fetchone() == (3,)
    assert not any(place.glob("data.new-*"))


@pytest.mark.slow
def test_a_second_process_borrows_the_server_and_takes_it_over(home):
    parent, pid = start_parent(home)
    server = Server(home / "postgres")
    server.start()
    assert server.borrowed and server.pid is None and notes(server) == []
    parent.kill()
    parent.wait()
    wait_until(lambda: not server.borrowed and server.pid is not None)
    wait_until(lambda: server._status(server.pid) == "ready")
    assert server.pid != pid and notes(server) == []
    server.stop()


@pytest.mark.slow
def test_leaving_a_borrowed_server_does_not_stop_it(home):
    with Server(home / "postgres") as owner:
        with Server(home / "postgres") as guest:
            assert guest.borrowed
        assert notes(owner) == []


@pytest.mark.slow
def test_two_that_start_at_once_share_one(home):
    servers = [Server(home / "postgres") for _ in range(3)]
    threads = [threading.Thread(target=server.start) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [server.borrowed for server in servers].count(False) == 1
    for server in sorted(servers, key=lambda server: not server.borrowed):
        server.stop()
    assert not embedded._processes_in(servers[0].data)


@pytest.mark.slow
def test_keys_that_do_not_fit_the_data_are_named(home):
    with Server(home / "postgres") as server, psycopg.connect(server.urls.admin, autocommit=True) as session:
        session.execute("COMMENT ON DATABASE yimen IS NULL")
    (home / "keys" / "database-admin").write_text("another")
    with pytest.raises(ServerFailed, match="keys"):
        Server(home / "postgres").start()
    assert not embedded._processes_in(home / "postgres" / "data")


def test_data_of_another_version_is_refused_in_words(home):
    (home / "postgres" / "data" / "PG_VERSION").write_text("12\n")
    with pytest.raises(ServerFailed, match="PostgreSQL 12"):
        Server(home / "postgres").start()


def test_missing_programs_are_named(tmp_path):
    with pytest.raises(ServerFailed, match="postgres"):
        Server(tmp_path / "postgres", bin_dir=tmp_path)


@pytest.mark.slow
def test_erase_refuses_while_it_runs(home):
    with Server(home / "postgres"), pytest.raises(ServerFailed):
        embedded.erase(home / "postgres")
    embedded.erase(home / "postgres")
    assert not (home / "postgres").exists()


def test_addresses_can_be_read_back(home):
    server = Server(home / "postgres")
    facts = database_url.parse(server.urls.for_database("other").app)
    assert facts["USER"] == embedded.APP and facts["NAME"] == "other" and facts["PORT"] == ""
    assert facts["HOST"] == str(embedded._socket_folder(server.place))
    assert len(facts["HOST"] + "/.s.PGSQL.5432.lock") < 107
