"""Stands between the service and its database, and delays, holds or cuts what passes."""

import socket
import threading
import time
from contextlib import suppress


class Between:
    """Forwards what comes to `port` of this machine to another port there."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._passes = threading.Event()
        self._passes.set()
        self._open: set[socket.socket] = set()
        #: that each piece is held up by
        self.seconds = 0.0
        threading.Thread(target=self._serve, daemon=True).start()

    def hold(self) -> None:
        """From now on nothing passes, though connections are taken and what is sent is taken too."""
        self._passes.clear()

    def let_go(self) -> None:
        self._passes.set()

    def cut(self) -> int:
        """Ends all connections; how many."""
        found = list(self._open)
        for each in found:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        return len(found)

    def close(self) -> None:
        self.let_go()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.cut()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        with client, suppress(OSError), socket.create_connection(("127.0.0.1", self._to)) as server:
            self._open.add(client)
            back = threading.Thread(target=self._pass, args=(server, client), daemon=True)
            back.start()
            self._pass(client, server)
            back.join()
            self._open.discard(client)

    def _pass(self, source: socket.socket, to: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                time.sleep(self.seconds)
                self._passes.wait()
                to.sendall(data)
        for each in (source, to):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
