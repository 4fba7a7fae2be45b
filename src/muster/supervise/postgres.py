"""The embedded PostgreSQL: one cluster in a data folder, under a guard of our own.

    with postgres.running(Path("folder")) as server:
        psycopg.connect(server.app_dsn)

FOLDER/pg is PostgreSQL's own data folder, FOLDER/run its socket, FOLDER/log its log,
FOLDER/secrets.json the passwords. It listens on a Unix socket only, with SCRAM passwords, and
keeps every safety setting (fsync, full_page_writes, synchronous_commit) on.
"""

import contextlib
import hashlib
import os
import shlex
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from muster.supervise import binaries, lock, processes, secrets
from muster.supervise.child import Account, Child, Program, account_for_postgres
from muster.supervise.trouble import DiskFull, Trouble, writing

SOCKET_LIMIT = 107  # bytes in a Unix socket's path, the kernel's limit
SOCKET_NAME = ".s.PGSQL.5432"
LEFTOVER_SECONDS = 15.0
FULL_BYTES = 4 << 20  # with less than this free, PostgreSQL cannot write a log segment
NO_SPACE = "No space left on device"

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "shared_buffers": "128MB",
    "wal_compression": "on",
    "max_wal_size": "512MB",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "on",
    "log_filename": "postgres-%a.log",  # one file a weekday, the old one overwritten
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    # Statements and the DETAIL of an error may hold personal data; the log must not.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
HBA = "local all all scram-sha-256\nhost all all 127.0.0.1/32 scram-sha-256\n"

Say = Callable[[str], None]


def silent(_words: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Database:
    """How to reach the database: libpq addresses (postgresql://…) of the two roles.

    `owner_dsn` owns and migrates the tables, `app_dsn` is what the server works with.
    """

    owner_dsn: str
    app_dsn: str


class Postgres:
    """The cluster of one data folder. Not locked by itself: see `running`."""

    def __init__(self, folder: Path, say: Say = silent) -> None:
        self.folder = folder.resolve()
        self.data = self.folder / "pg"
        self.say = say
        self._child: Child | None = None
        self._account: Account | None = None
        self._known: dict[str, str] = {}
        self._sockets = self.folder / "run"

    # --- addresses -------------------------------------------------------------------------

    def dsn(self, role: str, database: str = "muster") -> str:
        """A libpq address; works once `start` was called, and does not change when restarted."""
        where = quote(str(self._sockets), safe="")
        return f"postgresql://{role}:{self._known[role]}@/{quote(database)}?host={where}"

    @property
    def owner_dsn(self) -> str:
        return self.dsn("muster_owner")

    @property
    def app_dsn(self) -> str:
        return self.dsn("muster_app")

    @property
    def admin_dsn(self) -> str:
        """The superuser, in database `postgres`: to make and drop databases."""
        return self.dsn("postgres", "postgres")

    @property
    def database(self) -> Database:
        return Database(self.owner_dsn, self.app_dsn)

    @property
    def pid(self) -> int | None:
        """The postmaster's process number while it runs."""
        return self._child.pid if self._child and self._child.alive else None

    @property
    def child(self) -> Child | None:
        """The process last started; its `code` says how it ended."""
        return self._child

    @property
    def alive(self) -> bool:
        return self._child is not None and self._child.alive

    # --- life ------------------------------------------------------------------------------

    def start(self) -> None:
        """Make the cluster if there is none, start it, and wait until it answers.

        Recovery after a crash is waited for, however long it takes. Raises Trouble (DiskFull,
        ReadOnly, …) with the reason if PostgreSQL ends instead.
        """
        self.launch()
        try:
            self.wait_ready()
            self.ensure_roles()
        except BaseException:
            self.stop()
            raise

    def launch(self) -> None:
        """The first half of `start`: the process runs, but may not answer yet."""
        if self.alive:
            return
        self._account = self._account or account_for_postgres()
        self._prepare()
        self._clear_leftover()
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        self._check_version()
        self._own(self.data)
        self._load_passwords()
        with writing(self.folder):
            self._startup_log.write_bytes(b"")
            self._child = Child(self._program(self._postgres_command()))

    def attach(self) -> None:
        """Learn the addresses of a server that somebody else keeps running in this folder."""
        self._known = secrets.read(self.folder) or dict.fromkeys(secrets.ROLES, "")
        self._sockets = socket_folder(self.folder)

    def stop(self) -> None:
        """Fast shutdown (sessions are ended, everything is written), immediate after 30 s."""
        if self._child is not None:
            self._child.stop()

    def kill(self) -> None:
        """SIGKILL the whole server, as a crash would; returns when every process is gone."""
        if self._child is not None:
            self._child.kill()
        processes.wait_until_gone(self.data, 0.0, silent)

    def destroy(self) -> None:
        """Stop and delete the cluster: its data, socket and log."""
        self.stop()
        for place in (self.data, self._sockets, self.folder / "log"):
            shutil.rmtree(place, ignore_errors=True)
        (self.folder / "secrets.json").unlink(missing_ok=True)

    def _clear_leftover(self) -> None:
        """End what an earlier, killed supervisor left running, then remove its lock files.

        PostgreSQL would refuse to start if the process number in them is in use again, by a
        stranger or by a dead process nobody collected. We hold the data folder's lock and have
        looked at every process, so we know better.
        """
        processes.wait_until_gone(self.data, LEFTOVER_SECONDS, self.say)
        with writing(self.folder):
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            for name in (SOCKET_NAME, f"{SOCKET_NAME}.lock"):
                (self._sockets / name).unlink(missing_ok=True)

    # --- readiness -------------------------------------------------------------------------

    def wait_ready(self, cancelled: Callable[[], bool] = lambda: False) -> None:
        """Wait until PostgreSQL accepts connections, or `cancelled()`; recovery may take long."""
        began = told = time.monotonic()
        while not cancelled():
            if self._child is None or self._child.listen(0.02):
                raise self.reason_for_end()
            answer = self.answer()
            if answer is None:
                return
            if time.monotonic() - told > 2.0:
                told = time.monotonic()
                seconds = int(told - began)
                self.say(
                    f"等待数据库 {seconds} 秒 / waiting for the database {seconds} s: {answer}"
                )

    def answer(self) -> str | None:
        """None if PostgreSQL accepts connections, else what it says."""
        try:
            psycopg.connect(self.admin_dsn, connect_timeout=5).close()
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise Trouble(
                    f"{self.folder / 'secrets.json'} 与数据库不符：删除它后再启动即可重设密码。",
                    f"{self.folder / 'secrets.json'} does not fit the database: delete it and "
                    "start again, which sets new passwords.",
                ) from None
            return str(error).strip().rpartition("FATAL:")[2].strip() or "…"
        return None

    def reason_for_end(self) -> Trouble:
        """Why PostgreSQL is not running, as a sentence, from its log and the disk."""
        words = self.last_words()
        if NO_SPACE in words or shutil.disk_usage(self.folder).free < FULL_BYTES:
            return DiskFull(self.folder)
        line = next((w for w in reversed(words.splitlines()) if "FATAL" in w or "PANIC" in w), "")
        code = self._child.code if self._child else None
        return Trouble(
            f"数据库 PostgreSQL 意外结束（{code}），日志在 {self.folder / 'log'}：{line}",
            f"The database PostgreSQL ended ({code}); its log is in {self.folder / 'log'}: {line}",
        )

    def last_words(self) -> str:
        """The end of what PostgreSQL wrote: while starting, and in its newest log."""
        files = [self._startup_log, *(self.folder / "log").glob("postgres-???.log")]
        existing = sorted((f for f in files if f.exists()), key=lambda f: f.stat().st_mtime)
        words = []
        for file in existing[-2:]:
            with file.open("rb") as opened:
                opened.seek(max(0, file.stat().st_size - 8192))
                words.append(opened.read().decode(errors="replace"))
        return "".join(words)

    # --- making the cluster ----------------------------------------------------------------

    @property
    def _startup_log(self) -> Path:
        return self.folder / "log" / "postgres-start.log"

    def _prepare(self) -> None:
        with writing(self.folder):
            for name in ("run", "log"):
                (self.folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
                self._own(self.folder / name)
            self._sockets = socket_folder(self.folder)
            self._own(self._sockets)

    def _own(self, place: Path) -> None:
        """Files belong to the user PostgreSQL runs as, also when that changes between starts."""
        if os.geteuid() != 0:
            return
        wanted = 0 if self._account != "other" else _other_user()
        if place.stat().st_uid != wanted:
            for path in (place, *place.rglob("*")):
                os.chown(path, wanted, wanted, follow_symlinks=False)

    def _initialise(self) -> None:
        """initdb into a folder aside, then renamed: a crash leaves nothing half-made in place."""
        self.say("建立数据库 / making the database")
        fresh = self.folder / "pg.new"
        shutil.rmtree(fresh, ignore_errors=True)
        self._known = {role: secrets.password() for role in secrets.ROLES}
        word = self.folder / "run" / "initial"
        try:
            with writing(self.folder):
                word.write_text(self._known["postgres"])
                self._startup_log.write_bytes(b"")
            command = [str(binaries.folder() / "initdb"), "-D", str(fresh), "-U", "postgres"]
            command += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin"]
            command += ["--builtin-locale=C.UTF-8", "--auth=scram-sha-256", f"--pwfile={word}"]
            self._child = Child(self._program(command))
            if self._child.wait() != 0:
                raise self.reason_for_end()
            with writing(self.folder):
                (fresh / "pg_hba.conf").write_text(HBA)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        finally:
            word.unlink(missing_ok=True)
        secrets.write(self.folder, self._known)
        with writing(self.folder):
            fresh.rename(self.data)

    def _check_version(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        if made_by != str(binaries.MAJOR):
            raise Trouble(
                f"{self.data} 由 PostgreSQL {made_by} 建立，而本 Muster 自带 {binaries.MAJOR}："
                "请用原来的 Muster 导出，再在新文件夹恢复。",
                f"{self.data} was made by PostgreSQL {made_by}, and this Muster carries "
                f"{binaries.MAJOR}: export with the older Muster and restore into a new folder.",
            )

    def _load_passwords(self) -> None:
        """Take the passwords from secrets.json; if it was lost, set new ones in the database."""
        known = secrets.read(self.folder)
        if known is None or not set(secrets.ROLES) <= set(known):
            self.say("重设数据库密码 / setting new database passwords")
            known = {**(known or {}), **{role: secrets.password() for role in secrets.ROLES}}
            words = (f"ALTER ROLE postgres PASSWORD '{known['postgres']}'\n").encode()
            command = ["postgres", "--single", "-D", str(self.data), "postgres"]
            self._single(command, words)
            secrets.write(self.folder, known)
        self._known = known

    def _single(self, command: list[str], words: bytes) -> None:
        """PostgreSQL's single-user mode: the way in when the password is lost."""
        line = self.folder / "run" / "initial"
        line.write_bytes(words)
        program = str(binaries.folder() / command[0])
        shell = f'exec "$0" "$@" < {shlex.quote(str(line))}'
        child = Child(self._program(["/bin/sh", "-c", shell, program, *command[1:]]))
        code = child.wait()
        line.unlink()
        if code != 0:
            self._child = child
            raise self.reason_for_end()

    def ensure_roles(self) -> None:
        """The two roles, with our passwords, and the database `muster`: every start, idempotent."""
        with psycopg.connect(self.admin_dsn, autocommit=True) as connection:
            there = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
            for role in ("muster_owner", "muster_app"):
                verb = "ALTER" if role in there else "CREATE"
                connection.execute(
                    sql.SQL(
                        f"{verb} ROLE {{}} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE "
                        "NOREPLICATION NOBYPASSRLS PASSWORD {}"
                    ).format(sql.Identifier(role), sql.Literal(self._known[role]))
                )
            if not connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = 'muster'"
            ).fetchone():
                connection.execute("CREATE DATABASE muster OWNER muster_owner")
                connection.execute("REVOKE ALL ON DATABASE muster FROM PUBLIC")
                connection.execute("GRANT CONNECT ON DATABASE muster TO muster_app")

    def _postgres_command(self) -> list[str]:
        settings = {
            **SETTINGS,
            "unix_socket_directories": str(self._sockets),
            "log_directory": str(self.folder / "log"),
        }
        command = [str(binaries.folder() / "postgres"), "-D", str(self.data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return command

    def _program(self, command: list[str]) -> Program:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("PG")
        }
        return Program(
            command,
            self._account or "self",
            # SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one.
            stop=((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0)),
            death=signal.SIGQUIT,
            environment={**environment, "LC_ALL": "C", "TZ": "UTC"},
            output=self._startup_log,
        )


def _other_user() -> int:
    from muster.supervise.guard import named_id

    return named_id()


def socket_folder(folder: Path) -> Path:
    """FOLDER/run, or a short private folder under the temporary one, always the same for FOLDER,
    where the path would be too long or the file system has no sockets."""
    run = folder / "run"
    if len(os.fsencode(run / SOCKET_NAME)) <= SOCKET_LIMIT and _has_sockets(run):
        return run
    mark = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    short = Path("/tmp") / f"muster-{os.geteuid()}-{mark}"  # not TMPDIR: that may be long itself
    with contextlib.suppress(FileExistsError):
        short.mkdir(mode=0o700)
    state = short.lstat()
    if not short.is_dir() or short.is_symlink() or state.st_mode & 0o077:
        raise Trouble(
            f"{short} 不是 Muster 的私有文件夹，请删除它。",
            f"{short} is not a private folder of Muster's: delete it.",
        )
    return short


def _has_sockets(run: Path) -> bool:
    probe = run / f"probe-{os.getpid()}"
    try:
        with socket.socket(socket.AF_UNIX) as trial:
            trial.bind(str(probe))
    except OSError:
        return False
    finally:
        probe.unlink(missing_ok=True)
    return True


def attached(folder: Path) -> Database:
    """The database of a folder where a Muster runs now. Raises Trouble if it does not answer."""
    server = Postgres(folder)
    server.attach()
    words = server.answer()
    if words is not None:
        raise Trouble(
            f"{folder} 的数据库此刻没有应答，请稍后再试。（{words}）",
            f"The database of {folder} does not answer now; try again shortly. ({words})",
        )
    return server.database


@contextlib.contextmanager
def running(folder: Path, say: Say = silent) -> Iterator[Postgres]:
    """A locked data folder with its PostgreSQL running inside the block, stopped after it."""
    with lock.held(folder):
        server = Postgres(folder, say)
        server.start()
        try:
            yield server
        finally:
            server.stop()
