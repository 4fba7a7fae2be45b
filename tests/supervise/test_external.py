"""DATABASE_URL: what is refused is refused in one clear sentence."""

import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from muster.supervise import external
from muster.supervise.postgres import Postgres
from muster.supervise.trouble import Trouble


def answer_as_postgres(listener: socket.socket, parameters: dict[str, str]) -> None:
    """Speak just enough of the protocol to let a client in and tell it `parameters`."""
    with listener, listener.accept()[0] as client:
        while True:
            (length,) = struct.unpack("!I", client.recv(4))
            if struct.unpack("!I", client.recv(length - 4)[:4])[0] == 196608:
                break
            client.sendall(b"N")  # no TLS, no GSS
        reply = b"R" + struct.pack("!II", 8, 0)
        for name, value in parameters.items():
            body = f"{name}\0{value}\0".encode()
            reply += b"S" + struct.pack("!I", 4 + len(body)) + body
        client.sendall(reply + b"K" + struct.pack("!III", 12, 1, 1) + b"Z\0\0\0\5I")
        client.recv(1)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def address(listener: socket.socket) -> str:
    return f"postgresql://someone:secret@127.0.0.1:{listener.getsockname()[1]}/muster"


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"server_version": "14.22", "server_encoding": "UTF8"}, "version 14"),
        ({"server_version": "15.3", "server_encoding": "EUC_CN"}, "encoded in EUC_CN"),
    ],
)
def test_an_unfit_server_is_named(
    listener: socket.socket, parameters: dict[str, str], words: str, tmp_path: Path
) -> None:
    thread = threading.Thread(target=answer_as_postgres, args=(listener, parameters))
    thread.start()
    with pytest.raises(Trouble, match=words) as told:
        external.connect(address(listener), None, tmp_path)
    thread.join()
    assert "DATABASE_URL" in told.value.zh


def test_an_unreachable_server_is_named(listener: socket.socket, tmp_path: Path) -> None:
    nowhere = address(listener)
    listener.close()
    with pytest.raises(Trouble, match="cannot be reached") as told:
        external.connect(nowhere, None, tmp_path)
    assert "secret" not in str(told.value)


def test_a_malformed_address_is_named(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="not written right"):
        external.connect("postgres is on the other machine", None, tmp_path)


@pytest.fixture
def owned(shared: Postgres) -> Iterator[str]:
    """A database of someone who may create roles, as DATABASE_URL would give it."""
    with psycopg.connect(shared.admin_dsn, autocommit=True) as admin:
        admin.execute("CREATE ROLE keeper LOGIN CREATEROLE PASSWORD 'k'")
        admin.execute("ALTER ROLE muster_app RENAME TO aside")
        admin.execute("CREATE DATABASE theirs OWNER keeper")
        yield shared.dsn("postgres", "theirs").replace(
            shared.dsn("postgres").split("@")[0], "postgresql://keeper:k"
        )
        admin.execute("DROP DATABASE theirs WITH (FORCE)")
        admin.execute("DROP ROLE IF EXISTS muster_app")
        admin.execute("DROP ROLE keeper")
        admin.execute("ALTER ROLE aside RENAME TO muster_app")
        shared.ensure_roles()  # renaming a role forgets nothing of SCRAM, but stay sure


def test_the_app_role_is_made_with_a_password_kept_for_next_time(
    owned: str, tmp_path: Path
) -> None:
    first = external.connect(owned, None, tmp_path)
    again = external.connect(owned, None, tmp_path)
    assert first == again and first.owner_dsn == owned
    with psycopg.connect(first.app_dsn) as connection:
        assert connection.info.user == "muster_app"
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE mine (x int)")
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_an_owner_who_may_not_make_roles_is_told_what_to_do(
    shared: Postgres, tmp_path: Path
) -> None:
    with pytest.raises(Trouble, match="MUSTER_APP_URL"):
        external.connect(shared.owner_dsn, None, tmp_path)
    found = external.connect(shared.owner_dsn, shared.app_dsn, tmp_path)
    assert found.app_dsn == shared.app_dsn
    with pytest.raises(Trouble, match="must log in as the role muster_app"):
        external.connect(shared.owner_dsn, shared.owner_dsn, tmp_path)


def test_an_address_is_shown_without_its_password() -> None:
    assert "hidden" not in external.without_password("postgresql://a:hidden@h:5432/d")
    assert external.as_role("host=h dbname=d user=a password=b", "r", "p q").count("'p q'") == 1
