"""python -m service.clients FILE OUT: checks FILE, and writes to OUT what workers read, for the gunicorn master."""

import sys
from pathlib import Path

from service.clients.snapshot import take


def main(path: Path, to: Path) -> int:
    try:
        mistakes = take(path, to)
    except OSError as error:
        mistakes = [f"{path.name}: cannot be taken: {error.strerror or type(error).__name__}"]
    sys.stdout.writelines(f"{mistake}\n" for mistake in mistakes)
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
