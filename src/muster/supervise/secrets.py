"""DATA/secrets.json: the passwords of the embedded database's roles, readable by us alone."""

import json
import os
import secrets
from pathlib import Path

from muster.supervise.trouble import Trouble, writing

ROLES = ("postgres", "muster_owner", "muster_app")


def read(folder: Path) -> dict[str, str] | None:
    """{role: password}, or None when there is no such file. Raises Trouble if it is damaged."""
    path = folder / "secrets.json"
    try:
        known = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise Trouble(
            f"{path} 已损坏：请删除它后再启动，Muster 会为数据库重设密码。",
            f"{path} is damaged: delete it and start again; Muster will set new passwords in "
            "the database.",
        ) from error
    return {str(role): str(password) for role, password in known.items()}


def write(folder: Path, known: dict[str, str]) -> None:
    """Replace the file in one step, so that a crash leaves the old one or the new one."""
    with writing(folder):
        fresh = folder / "secrets.json.new"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(known, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(folder / "secrets.json")


def password() -> str:
    return secrets.token_urlsafe(24)
