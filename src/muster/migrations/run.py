"""Bring a database to the newest version."""

from __future__ import annotations

from pathlib import Path


def known() -> list[str]:
    """The versions there are, oldest first."""
    folder = Path(__file__).parent / "versions"
    return sorted(path.name.split("_")[0] for path in folder.glob("[0-9]*.py"))


def upgrade(owner_dsn: str, version: str = "head") -> None:
    """Run every missing version up to this one as the owner. `owner_dsn` is a libpq URI or
    key=value string."""
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
