"""Fills of statuses and ways. Told apart by hatch and lightness, never by colour alone; the colours by every kind of sight."""

from collections.abc import Mapping
from typing import Final

from service.cohort.summary.figures import Way
from service.cohort.summary.picture.sheet import Fill
from service.rulebook.model import Status

STATUS: Final[Mapping[Status, Fill]] = {
    "eligible": Fill("#00594f"),
    "provisional": Fill("#2fa392", "////"),
    "cautioned": Fill("#a6d9d0", "....", "#00594f"),
    "undetermined": Fill("#f4e36b", "xxxx", "#ffffff"),
    "deferred": Fill("#e69f00", "\\\\\\\\"),
    "excluded": Fill("#8a8a8a", "----", "#ffffff"),
    "preempted": Fill("#b3390b", "++++", "#ffffff"),
    "not_indicated": Fill("#ffffff"),
}
WAY: Final[Mapping[Way, Fill]] = {
    "now": STATUS["eligible"],
    "later": STATUS["deferred"],
    "questions": STATUS["undetermined"],
    "suspended": STATUS["preempted"],
    "ruled_out": STATUS["excluded"],
    "not_indicated": STATUS["not_indicated"],
}
#: of what stands in the way, by kind
KIND: Final[Mapping[str, Fill]] = {
    "alert": STATUS["preempted"],
    "correctable": STATUS["deferred"],
    "final": STATUS["excluded"],
}
#: an item that is all that is missing, and one that is missing among others
ALONE: Final = Fill("#1f4e79")
AMONG: Final = Fill("#9cc3e6", "////")
EDGE: Final = "#4d4d4d"
