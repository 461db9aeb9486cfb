"""python -m service.settings: checks the settings; on standard output those of the file, as JSON for the gunicorn master.

With addresses, as the master listens on them (`127.0.0.1:8000`, `unix:/run/…`): also whether it may, with these settings.
"""

import json
import os
import sys
from collections.abc import Sequence

from service.settings.exposure import refusal
from service.settings.read import SettingsError, read, variables


def main(addresses: Sequence[str]) -> int:
    try:
        sys.stdout.write(json.dumps(variables(os.environ)) + "\n")
    except SettingsError as error:
        sys.stderr.writelines(f"{mistake}\n" for mistake in error.mistakes)
        return 1
    if refused := refusal(read(os.environ), addresses):
        sys.stderr.write(f"{refused}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
