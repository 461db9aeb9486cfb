"""Too many at once: while the queue is too long, those whose turn it is are told to come again, instead of all waiting longer and longer.

gunicorn's workers take one request at a time; the others wait in the kernel. How many wait, Linux tells of a listening
socket: TCP in TCP_INFO (tcp(7): of such a socket `tcpi_unacked` is the length of its queue), a unix socket when its
inode is asked for (sock_diag(7): of such a socket `udiag_rqueue` is it).
"""

import logging
import os
import socket
import struct
from functools import cache

from flask import Flask, current_app, request

from service.web.access.gate import UNLIMITED
from service.web.metrics import counting
from service.web.problem import Problem

log = logging.getLogger(__name__)

#: the listening sockets that a worker inherited, as numbers; set by gunicorn.conf.py
LISTENERS = "INDICATION_LISTENERS"
RETRY_SECONDS = 2
_UNACKED = struct.Struct("24xI")

# linux/netlink.h, linux/sock_diag.h, linux/unix_diag.h
_SOCK_DIAG, _REQUEST, _RQLEN = 4, 1, 0x10
_BY_FAMILY, _ATTRIBUTE_RQLEN, _ANY = 20, 4, 0xFFFFFFFF
_HEAD, _ASKED, _TOLD = struct.Struct("=IHHII"), struct.Struct("=BBHIIIII"), struct.Struct("=BBBBIII")
_ATTRIBUTE, _QUEUE = struct.Struct("=HH"), struct.Struct("=II")
_PATIENCE_SECONDS = 1.0


def register(app: Flask) -> None:
    """Must come before the gate: to be turned away costs next to nothing."""
    if os.environ.get(LISTENERS):
        app.before_request(check)


def check() -> None:
    """Raises Problem when more requests wait than may; probes are always answered, and so is what tells how full it is."""
    if request.endpoint in UNLIMITED | {"metrics.metrics"}:
        return
    most = current_app.config["QUEUE"]
    if most and _longest() > most:
        counting.refused("overloaded")
        raise Problem("overloaded", headers={"Retry-After": str(RETRY_SECONDS)})


def waiting(listener: socket.socket) -> int:
    """How many connections wait to be accepted. Raises OSError where the kernel does not tell."""
    if listener.family == socket.AF_UNIX:
        return _waiting_at_unix(os.fstat(listener.fileno()).st_ino)
    (found,) = _UNACKED.unpack_from(listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _UNACKED.size))
    return int(found)


def _waiting_at_unix(inode: int) -> int:
    asked = _ASKED.pack(socket.AF_UNIX, 0, 0, _ANY, inode, _RQLEN, _ANY, _ANY)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _SOCK_DIAG) as kernel:
        kernel.settimeout(_PATIENCE_SECONDS)
        kernel.send(_HEAD.pack(_HEAD.size + len(asked), _BY_FAMILY, _REQUEST, 1, 0) + asked)
        told = kernel.recv(4096)
    size, kind, *_ = _HEAD.unpack_from(told)
    at = _HEAD.size + _TOLD.size
    while kind == _BY_FAMILY and at + _ATTRIBUTE.size <= size:
        length, attribute = _ATTRIBUTE.unpack_from(told, at)
        if attribute == _ATTRIBUTE_RQLEN:
            found, _ = _QUEUE.unpack_from(told, at + _ATTRIBUTE.size)
            return int(found)
        at += max(_ATTRIBUTE.size, -(-length // 4) * 4)
    raise OSError("the kernel does not tell how many wait at a unix socket")


def _longest() -> int:
    try:
        return max(map(waiting, _listeners()), default=0)
    except OSError:  # the kernel told before, and does not just now: no reason to turn anybody away
        return 0


@cache
def _listeners() -> tuple[socket.socket, ...]:
    """Those of which the kernel tells how many wait."""
    return tuple(filter(_tells, (socket.socket(fileno=os.dup(int(each))) for each in os.environ[LISTENERS].split())))


def _tells(listener: socket.socket) -> bool:
    try:
        waiting(listener)
    except OSError as error:
        log.warning("server.queue does not hold at %s: %s", listener.family.name, error)
        listener.close()
        return False
    return True
