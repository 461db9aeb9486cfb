"""Asks the server that runs here.

`python -m service.settings.asking` ends with 0 when one is alive where the settings say that it listens: for a container,
which has no curl.
"""

import http.client
import os
import socket
import sys
from collections.abc import Mapping

from service.settings.read import SettingsError, read

_EVERYWHERE: Mapping[str, str] = {"0.0.0.0": "127.0.0.1", "::": "::1", "[::]": "::1"}  # noqa: S104 - compared, not listened on
UNIX = "unix:"
#: seconds; less than what deploy/Containerfile gives this command
_PATIENCE = 4.0


def asked(host: str, port: int, path: str, patience: float) -> tuple[int, bytes]:
    """Status and body of what the server answers within `patience` seconds. `host`: an address, or unix:PATH.

    Raises OSError, HTTPException.
    """
    connection = http.client.HTTPConnection(_EVERYWHERE.get(host, host), port, timeout=patience)
    try:
        if host.startswith(UNIX):
            connection.host, connection.sock = "localhost", socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.sock.settimeout(patience)
            connection.sock.connect(host.removeprefix(UNIX))
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def main() -> int:
    try:
        settings = read(os.environ)
        status, _ = asked(settings["server.host"], settings["server.port"], "/livez", _PATIENCE)
    except SettingsError as error:
        sys.stderr.writelines(f"{mistake}\n" for mistake in error.mistakes)
        return 1
    except (OSError, http.client.HTTPException) as error:
        sys.stderr.write(f"no server answers as one should ({type(error).__name__}: {error})\n")
        return 1
    return int(status != http.client.OK)


if __name__ == "__main__":
    sys.exit(main())
