"""Too many at once: while the queue is too long, those whose turn it is are told to come again, instead of all waiting longer and longer.

gunicorn's workers take one request at a time; the others wait in the kernel. How many wait, Linux tells of a listening
socket (tcp(7), TCP_INFO: of such a socket `tcpi_unacked` is the length of its queue).
"""

import os
import socket
import struct
from functools import cache

from flask import Flask, current_app, request

from service.web.access.gate import UNLIMITED
from service.web.metrics import counting
from service.web.problem import Problem

#: the listening sockets that a worker inherited, as numbers; set by gunicorn.conf.py
LISTENERS = "INDICATION_LISTENERS"
RETRY_SECONDS = 2
_UNACKED = struct.Struct("24xI")


def register(app: Flask) -> None:
    """Must come before the gate: to be turned away costs next to nothing."""
    if os.environ.get(LISTENERS):
        app.before_request(check)


def check() -> None:
    """Raises Problem when more requests wait than may; probes are always answered, and so is what tells how full it is."""
    if request.endpoint in UNLIMITED | {"metrics.metrics"}:
        return
    most = current_app.config["QUEUE"]
    if most and max(map(waiting, _listeners()), default=0) > most:
        counting.refused("overloaded")
        raise Problem("overloaded", headers={"Retry-After": str(RETRY_SECONDS)})


def waiting(listener: socket.socket) -> int:
    """How many connections wait to be accepted."""
    (found,) = _UNACKED.unpack_from(listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _UNACKED.size))
    return int(found)


@cache
def _listeners() -> tuple[socket.socket, ...]:
    found = [socket.socket(fileno=os.dup(int(each))) for each in os.environ[LISTENERS].split()]
    return tuple(each for each in found if each.family in (socket.AF_INET, socket.AF_INET6))
