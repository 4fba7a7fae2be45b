"""A PostgreSQL of the person's own, given as DATABASE_URL, in place of the embedded one."""

from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from muster.supervise import secrets
from muster.supervise.postgres import Database
from muster.supervise.trouble import Trouble

OLDEST = 15
APP_ROLE = "muster_app"
SECRET = "muster_app@DATABASE_URL"


def connect(owner_dsn: str, app_dsn: str | None, folder: Path) -> Database:
    """Check the server behind `owner_dsn` and find or make the app role's address.

    `app_dsn` is MUSTER_APP_URL. Without it the role muster_app is made, if the owner may make
    roles, with a password kept in FOLDER/secrets.json. Raises Trouble with the obstacle.
    """
    try:
        with psycopg.connect(owner_dsn, connect_timeout=10, autocommit=True) as connection:
            _check(connection)
            if app_dsn is None:
                app_dsn = _make_app_role(connection, owner_dsn, folder)
    except psycopg.OperationalError as error:
        raise _unreachable("DATABASE_URL", error) from error
    except psycopg.ProgrammingError as error:
        raise _malformed("DATABASE_URL", error) from error
    _check_app(app_dsn)
    return Database(owner_dsn, app_dsn)


def _check(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    version = connection.info.server_version
    if version < OLDEST * 10_000:
        major = version // 10_000
        raise Trouble(
            f"DATABASE_URL 的 PostgreSQL 版本是 {major}，需要 {OLDEST} 或更新：请升级它，"
            "或不设 DATABASE_URL 而使用自带的数据库。",
            f"The PostgreSQL behind DATABASE_URL is version {major}; Muster needs {OLDEST} or "
            "newer: upgrade it, or leave DATABASE_URL unset to use the database Muster carries.",
        )
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise Trouble(
            f"DATABASE_URL 的数据库编码是 {encoding}，需要 UTF8：请新建一个 UTF8 编码的数据库。",
            f"The database behind DATABASE_URL is encoded in {encoding}; Muster needs UTF8: "
            "make a database with ENCODING 'UTF8'.",
        )


def _make_app_role(
    connection: psycopg.Connection[tuple[object, ...]], owner_dsn: str, folder: Path
) -> str:
    may = connection.execute(
        "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    if may is None or not may[0]:
        raise Trouble(
            f"DATABASE_URL 的用户无权创建角色：请让管理员创建角色 {APP_ROLE}（LOGIN），"
            "并用 MUSTER_APP_URL 给出它的地址。",
            "The user of DATABASE_URL may not create roles: ask an administrator to create the "
            f"role {APP_ROLE} (LOGIN) and give its address in MUSTER_APP_URL.",
        )
    known = secrets.read(folder) or {}
    if SECRET not in known:
        known[SECRET] = secrets.password()
        folder.mkdir(parents=True, exist_ok=True)
        secrets.write(folder, known)
    there = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APP_ROLE]).fetchone()
    words = sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(
        sql.SQL("ALTER" if there else "CREATE"),
        sql.Identifier(APP_ROLE),
        sql.Literal(known[SECRET]),
    )
    connection.execute(words)
    name = sql.Identifier(connection.info.dbname)
    connection.execute(
        sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, sql.Identifier(APP_ROLE))
    )
    return as_role(owner_dsn, APP_ROLE, known[SECRET])


def as_role(dsn: str, role: str, password: str) -> str:
    """The same address for another role, in the form it was given (URL or key=value)."""
    if "://" not in dsn:
        return make_conninfo(dsn, user=role, password=password)
    parts = urlsplit(dsn)
    hosts = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{quote(password, safe='')}@{hosts}"))


def _check_app(app_dsn: str) -> None:
    """The migrations grant to muster_app by name, and its limits are the point of having it."""
    try:
        with psycopg.connect(app_dsn, connect_timeout=10) as connection:
            row = connection.execute(
                "SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
    except psycopg.OperationalError as error:
        raise _unreachable("MUSTER_APP_URL", error) from error
    except psycopg.ProgrammingError as error:
        raise _malformed("MUSTER_APP_URL", error) from error
    if row is None or row[0] != APP_ROLE or row[1]:
        raise Trouble(
            f"MUSTER_APP_URL 必须以角色 {APP_ROLE}（非超级用户）登录。",
            f"MUSTER_APP_URL must log in as the role {APP_ROLE}, which is no superuser.",
        )


def _unreachable(name: str, error: psycopg.OperationalError) -> Trouble:
    words = " ".join(str(error).split())
    return Trouble(
        f"连不上 {name} 指的 PostgreSQL：请检查地址、密码和网络。（{words}）",
        f"The PostgreSQL of {name} cannot be reached: check its address, password and the "
        f"network. ({words})",
    )


def _malformed(name: str, error: psycopg.ProgrammingError) -> Trouble:
    words = " ".join(str(error).split())
    return Trouble(
        f"{name} 写法不对，应类似 postgresql://user:password@host:5432/muster。（{words}）",
        f"{name} is not written right; it looks like postgresql://user:password@host:5432/muster. "
        f"({words})",
    )


def without_password(dsn: str) -> str:
    """The address for people to read: its password left out."""
    known = conninfo_to_dict(dsn)
    known.pop("password", None)
    return make_conninfo("", **known)


def revision(owner_dsn: str) -> str | None:
    """The newest migration the database has had; None for one that holds no Muster."""
    with psycopg.connect(owner_dsn, connect_timeout=10) as connection:
        there = connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone()
        if there is None or not there[0]:
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])
