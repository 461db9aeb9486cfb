"""Libraries that stand between a process and its disk or clock (LD_PRELOAD), compiled for this run."""

import subprocess
from pathlib import Path


def compiled(name: str, folder: Path) -> Path:
    """The library of this name, in this folder. gcc is there: script/setup needs it too."""
    library = folder / f"{name}.so"
    source = Path(__file__).with_name(f"{name}.c")
    options = ["-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-o", str(library)]
    subprocess.run(["gcc", *options, str(source), "-ldl", "-lpthread"], check=True)
    return library
