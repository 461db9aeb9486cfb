"""The library that stands between a process and its disk (disk.c), compiled for this run."""

import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("disk.c")


def compiled(folder: Path) -> Path:
    """The library, in this folder. gcc is there: script/setup needs it too."""
    library = folder / "disk.so"
    options = ["-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-o", str(library)]
    subprocess.run(["gcc", *options, str(SOURCE), "-ldl", "-lpthread"], check=True)
    return library
