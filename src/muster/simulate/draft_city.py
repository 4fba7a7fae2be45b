"""Makes a city pack of a file of recorded calls, in a folder that was not there before."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from muster.geography.pack import load
from muster.simulate.columns import read_map
from muster.simulate.draft import write_draft
from muster.simulate.load_profile import Profile
from muster.simulate.open_rows import Told
from muster.simulate.recorded import read_records
from muster.simulate.refusal import ReplayRefused


def draft_city(calls: Path, map_: Path, out: Path, told: Told | None = None) -> Profile:
    """Write the pack to `out` and give its load profile. The pack is whole and loads, or `out`
    stays as it was. Raises ReplayRefused, or PackInvalid when the pack would not load."""
    _require_new(out)
    columns = read_map(map_)
    records = read_records(calls, columns, map_, told=told, for_draft=True)
    if not records.calls:
        raise ReplayRefused("calls.none", file=calls.name, rejected=records.rejected.total())
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".draft-", dir=out.parent) as beside:
            folder = Path(beside) / "pack"
            profile = write_draft(records, columns, map_.name, folder).profile
            load(folder)
            _require_new(out)
            if out.exists():
                out.rmdir()
            shutil.move(folder, out)
    except OSError as error:
        detail = error.strerror or error
        raise ReplayRefused("draft.folder", folder=out, detail=detail) from error
    return profile


def _require_new(out: Path) -> None:
    if out.is_symlink() or (out.exists() and (not out.is_dir() or any(out.iterdir()))):
        raise ReplayRefused("draft.exists", folder=out)
