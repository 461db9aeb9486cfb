"""The files of a synthetic cohort: written under other names and renamed at the end, all of them or none."""

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from service.cohort.generate.cohort import Part, Wanted
from service.cohort.generate.design import Design
from service.rulebook.model import Rulebook

PATIENTS, LESIONS, ABOUT, README = "patients.parquet", "lesions.parquet", "cohort.json", "README.txt"
#: in the order of renaming: a folder without `cohort.json` was not finished
_FILES: Final = (PATIENTS, LESIONS, README, ABOUT)
_PARTIAL: Final = ".partial"


class OutputError(Exception):
    """The cohort was not written. `lines` say why and what to do; nothing of it is left."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines
        super().__init__("\n".join(lines))


def check_free(folder: Path, *, force: bool) -> None:
    """Raises OutputError when the folder cannot take a cohort: it is a file, or holds one that may not be replaced."""
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file; a cohort needs a folder: give another name")
    there = [name for name in _FILES if (folder / name).exists()]
    if there and not force:
        raise OutputError(
            f"{folder} holds {', '.join(there)} already: nothing is written",
            "Give another folder, or --force to replace them.",
        )
    tables = {Path(name).stem for name in (PATIENTS, LESIONS)}
    other = [
        path.name for path in sorted(folder.glob("*")) if path.name.split(".")[0] in tables and path.name not in _FILES
    ]
    other = [name for name in other if not name.endswith(_PARTIAL)]
    if other:
        raise OutputError(
            f"{folder} holds {', '.join(other)}, which would be taken for a table of the same cohort: nothing is written",
            "Give another folder, or move what is there.",
        )


def write(
    folder: Path, parts: Iterator[Part], about: Mapping[str, Any], readme: str, done: Callable[[int], None]
) -> int:
    """Writes a cohort and returns how many lesions it has. `done` is told how many patients are written.

    Raises OutputError when the disk does not take it; then, and when it is interrupted, nothing of it is left.
    """
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lesions = _tables(folder, parts, about, done)
        (folder / (README + _PARTIAL)).write_text(readme, encoding="utf-8")
        text = json.dumps({**about, "lesions": lesions}, indent=2, ensure_ascii=False) + "\n"
        (folder / (ABOUT + _PARTIAL)).write_text(text, encoding="utf-8")
        (folder / ABOUT).unlink(missing_ok=True)
        for name in _FILES:
            (folder / (name + _PARTIAL)).replace(folder / name)
    except OSError as error:
        _clear(folder, made)
        raise OutputError(
            f"{folder} cannot be written: {os.strerror(error.errno) if error.errno else error}",
            "Nothing of this cohort is left there. Make room or give another folder, and run the same command again.",
        ) from None
    except BaseException:
        # Interrupted: half a table would be taken for a whole one.
        _clear(folder, made)
        raise
    return lesions


def _tables(folder: Path, parts: Iterator[Part], about: Mapping[str, Any], done: Callable[[int], None]) -> int:
    lesions = 0
    with contextlib.ExitStack() as open_files:
        writers: dict[str, Any] = {}
        for part in parts:
            for name, table in ((PATIENTS, part.patients), (LESIONS, part.lesions)):
                if name not in writers:
                    writers[name] = open_files.enter_context(_writer(folder / (name + _PARTIAL), table.schema))
                    writers[name].add_key_value_metadata(_marks(about))
                writers[name].write_table(table, row_group_size=max(1, table.num_rows))
            lesions += part.lesions.num_rows
            done(part.first - 1 + part.patients.num_rows)
    return lesions


def _writer(path: Path, schema: Any) -> Any:
    # Without Arrow's own schema beside Parquet's, a text reads as a text in every program.
    return pq.ParquetWriter(path, schema, compression="zstd", compression_level=1, store_schema=False)


def _marks(about: Mapping[str, Any]) -> dict[str, str]:
    """What stands in the file itself: a synthetic table must be known as one wherever it is copied to."""
    return {
        "synthetic": "true",
        **{name: str(about[name]) for name in ("patients", "seed", "as_of", "missing", "faults")},
    }


def _clear(folder: Path, made: bool) -> None:
    with contextlib.suppress(OSError):
        for name in _FILES:
            (folder / (name + _PARTIAL)).unlink(missing_ok=True)
        if made:
            folder.rmdir()


# ---- what a cohort says of itself ----


def about(wanted: Wanted, missing: str, as_of: str, design: Design, rulebook: Rulebook) -> dict[str, Any]:
    """What was asked for and what it was made with: the same gives the same files, byte for byte."""
    return {
        "synthetic": True,
        "patients": wanted.patients,
        "seed": wanted.seed,
        "as_of": as_of,
        "missing": missing,
        "faults": wanted.faults,
        "distributions": design.digest,
        "never_drawn": list(design.left_out),
        "rulebook": {"name": rulebook.info.name, "version": rulebook.info.version, "digest": rulebook.digest},
        "made_with": {"numpy": np.__version__, "pyarrow": pa.__version__},
    }


def readme(about: Mapping[str, Any]) -> str:
    """For whoever finds the folder."""
    return f"""SYNTHETIC PATIENTS

Nobody in these files has ever lived. They were drawn by chance from a file of distributions, most of which are assumptions:
they show how software behaves and say nothing about real patients. Do not publish a share counted here as a finding.

DES PATIENTS FICTIFS

Personne dans ces fichiers n’a jamais vécu. Ils sont tirés au sort d’un fichier de distributions, pour la plupart supposées :
ils montrent comment un logiciel se comporte et ne disent rien de patients réels.

{PATIENTS}  one row per patient
{LESIONS}   one row per lesion, with its patient
{ABOUT}       what was asked for, and what the files were made with

Made again, byte for byte, by:

  flask cohort generate {about["patients"]} --out FOLDER --seed {about["seed"]} --as-of {about["as_of"]} --missing {about["missing"]} \\
    --faults {about["faults"]:g}
"""
