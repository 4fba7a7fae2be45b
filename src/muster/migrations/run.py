"""Bring a database to the newest version, or say that it is newer than this Muster."""

from __future__ import annotations

from pathlib import Path

VERSIONS = Path(__file__).parent / "versions"


class Newer(Exception):
    """A newer Muster has upgraded the database. `found` and `known` are version numbers."""

    def __init__(self, found: str, known: str) -> None:
        super().__init__(
            f"数据库是更新版本的 Muster 建立或升级的（{found}，本程序只认识到 {known}）："
            "请用那个版本启动，或从升级前的备份恢复。数据没有被改动。\n"
            f"The database was made or upgraded by a newer Muster ({found}; this one knows up to "
            f"{known}): start it with that one, or restore a backup made before. Nothing was "
            "changed."
        )
        self.found, self.known = found, known


def known() -> list[str]:
    """The versions there are, oldest first; without loading what runs them."""
    return sorted(path.name.split("_")[0] for path in VERSIONS.glob("[0-9]*.py"))


def newest() -> str:
    return known()[-1]


def check(found: str | None) -> bool:
    """Whether a database at version `found` misses some. Raises Newer."""
    if found is not None and found > newest():
        raise Newer(found, newest())
    return found != newest()


def upgrade(owner_dsn: str, version: str = "head") -> None:
    """Run every missing version as the owner, all or none. `owner_dsn` is a libpq URI or key=value
    string. `version` is an older version only when a test makes an older database."""
    import psycopg
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine, pool

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(owner_dsn), poolclass=pool.NullPool
    )
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)
        connection.commit()
