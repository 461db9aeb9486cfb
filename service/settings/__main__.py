"""python -m service.settings: checks the settings; on standard output those of the file, as JSON for the gunicorn master."""

import json
import os
import sys

from service.settings.read import SettingsError, variables


def main() -> int:
    try:
        sys.stdout.write(json.dumps(variables(os.environ)) + "\n")
    except SettingsError as error:
        sys.stderr.writelines(f"{mistake}\n" for mistake in error.mistakes)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
