"""The embedded PostgreSQL keeps what was committed and leaves no process behind."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from muster.supervise import binaries, lock, postgres, processes, secrets
from muster.supervise.child import Account
from muster.supervise.lock import Held
from muster.supervise.trouble import Trouble


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Postgres]:
    """A cluster that these tests kill and start again, with a table `kept`."""
    with postgres.running(tmp_path_factory.mktemp("cluster")) as running:
        with psycopg.connect(running.owner_dsn) as connection:
            connection.execute("CREATE TABLE kept (number int PRIMARY KEY)")
            connection.execute("GRANT SELECT, INSERT ON kept TO muster_app")
        yield running


def insert(server: postgres.Postgres, number: int) -> None:
    with psycopg.connect(server.app_dsn) as connection:
        connection.execute("INSERT INTO kept VALUES (%s)", [number])


def kept(server: postgres.Postgres) -> list[int]:
    with psycopg.connect(server.app_dsn) as connection:
        return [row[0] for row in connection.execute("SELECT number FROM kept ORDER BY 1")]


def test_a_killed_server_comes_back_with_every_committed_row(server: postgres.Postgres) -> None:
    insert(server, 1)
    address = server.app_dsn
    server.kill()
    assert server.pid is None
    assert processes.working_in(server.data) == []
    server.start()
    assert server.app_dsn == address
    assert 1 in kept(server)


def test_killing_the_postmaster_alone_ends_its_busy_sessions_too(
    server: postgres.Postgres,
) -> None:
    busy = psycopg.connect(server.app_dsn, autocommit=True)

    def spin() -> None:
        with suppress(psycopg.OperationalError):
            busy.execute("SELECT count(*) FROM generate_series(1, 10000000000)")

    thread = threading.Thread(target=spin)
    thread.start()
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    thread.join(20.0)
    assert not thread.is_alive(), "a session outlived its server"
    assert server.child is not None
    assert server.child.wait(20.0) == -signal.SIGKILL
    assert processes.working_in(server.data) == []
    server.start()


def test_a_killed_guard_takes_the_server_with_it(server: postgres.Postgres) -> None:
    insert(server, 2)
    assert server.child is not None
    os.kill(server.child.guard.pid, signal.SIGKILL)
    assert server.child.wait(20.0) == -signal.SIGKILL
    server.start()  # waits for the leftover by itself
    assert 2 in kept(server)


def test_guard_and_server_killed_together_do_not_hinder_the_next_start(
    server: postgres.Postgres,
) -> None:
    insert(server, 3)
    assert server.child is not None and server.pid is not None
    postmaster = server.pid
    os.kill(server.child.guard.pid, signal.SIGSTOP)  # so that it cannot sweep
    os.kill(postmaster, signal.SIGKILL)
    os.kill(server.child.guard.pid, signal.SIGKILL)
    server.child.wait(20.0)
    assert (server.data / "postmaster.pid").exists()
    server.start()
    assert 3 in kept(server)


def test_the_roles_have_no_more_than_they_need(shared: postgres.Postgres) -> None:
    with psycopg.connect(shared.app_dsn) as connection:
        for statement in ("CREATE TABLE public.mine (x int)", "CREATE SCHEMA mine"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(statement)
    with psycopg.connect(shared.admin_dsn) as connection:
        rows = connection.execute(
            "SELECT rolname, rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication"
            " FROM pg_roles WHERE rolname LIKE 'muster%' ORDER BY 1"
        ).fetchall()
    assert rows == [("muster_app", False), ("muster_owner", False)]


def test_nothing_of_its_safety_is_switched_off(shared: postgres.Postgres) -> None:
    with psycopg.connect(shared.app_dsn) as connection:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            assert connection.execute(f"SHOW {name}").fetchone() == ("on",)
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SELECT lower('ÄÖ')").fetchone() == ("äö",)


def test_a_wrong_password_does_not_get_in(shared: postgres.Postgres) -> None:
    wrong = shared.app_dsn.replace(":" + shared.app_dsn.split(":")[2].split("@")[0], ":guess")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_the_password_file_is_for_us_alone(shared: postgres.Postgres) -> None:
    assert (shared.folder / "secrets.json").stat().st_mode & 0o777 == 0o600
    with lock.held(shared.folder / "made"):
        assert (shared.folder / "made").stat().st_mode & 0o777 == 0o700
    assert shared.dsn("muster_app").split(":")[2].split("@")[0] not in shared.last_words()


def test_a_second_start_says_who_holds_the_folder(shared: postgres.Postgres) -> None:
    with pytest.raises(Held) as told, postgres.running(shared.folder):
        pass
    assert told.value.pid == os.getpid()
    assert str(os.getpid()) in told.value.zh and str(os.getpid()) in told.value.en


def test_lost_passwords_are_set_anew_and_damaged_ones_named(tmp_path: Path) -> None:
    with postgres.running(tmp_path) as server, psycopg.connect(server.owner_dsn) as connection:
        connection.execute("CREATE TABLE kept (number int)")
    (tmp_path / "secrets.json").write_text("{")
    with pytest.raises(Trouble, match=r"secrets\.json"), postgres.running(tmp_path):
        pass
    (tmp_path / "secrets.json").unlink()
    with postgres.running(tmp_path) as server, psycopg.connect(server.owner_dsn) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
    secrets.write(tmp_path, dict.fromkeys(secrets.ROLES, "guess"))
    with pytest.raises(Trouble, match=r"secrets\.json"), postgres.running(tmp_path):
        pass
    assert processes.working_in(tmp_path / "pg") == []


def test_a_deep_folder_gets_a_short_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("数据" * 20) / ("d" * 40)
    with postgres.running(deep) as server:
        with psycopg.connect(server.app_dsn) as connection:
            connection.execute("SELECT 1")
        short = postgres.socket_folder(deep)
        assert short.parent == Path("/tmp")
        assert short.stat().st_mode & 0o777 == 0o700
    server.destroy()
    assert not short.exists() and not server.data.exists()


def test_a_cluster_of_another_version_is_named(tmp_path: Path) -> None:
    (tmp_path / "pg").mkdir()
    (tmp_path / "pg" / "PG_VERSION").write_text("15\n")
    with pytest.raises(Trouble, match=f"PostgreSQL 15.*{binaries.MAJOR}"):
        postgres.Postgres(tmp_path).start()


def accounts() -> list[Account]:
    return ["namespace", "other"] if os.geteuid() == 0 else ["self"]


@pytest.mark.parametrize("account", accounts())
def test_every_way_to_not_be_root_works(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setattr(postgres, "account_for_postgres", lambda: account)
    with postgres.running(tmp_path) as server:
        with psycopg.connect(server.owner_dsn) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        status = Path(f"/proc/{server.pid}/status").read_text()
        assert ("Uid:\t0" in status) == (account == "namespace")
    # Found again, whichever way the next start takes.
    monkeypatch.setattr(postgres, "account_for_postgres", lambda: accounts()[0])
    with postgres.running(tmp_path) as server, psycopg.connect(server.owner_dsn) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)
