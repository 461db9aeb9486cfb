"""Safe by default: what listens beyond this machine must ask who calls, unless whoever runs the service says otherwise."""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from service.settings.table import SETTINGS

#: of what a setting leaves open: what is meant, and the value that closes it
_OPEN = (
    ("access.api", "open", "the API asks nobody who they are", "clients"),
    ("pages.form", "open", "the form is for whoever comes", "proxy"),
    ("pages.committee", "open", "the committee's workbench is for whoever comes", "off"),
    ("access.cds_open", True, "the EHR's door asks nobody who they are", "false"),
)


def refusal(found: Mapping[str, Any], addresses: Iterable[str]) -> str | None:
    """Why the service may not listen at these addresses with these settings, and how to mend it; None when it may."""
    beyond = [address for address in addresses if not is_here(address)]
    left_open = [
        f"  {what}: set {name}: {closed} ({SETTINGS[name].variable}={closed})"
        for name, value, what, closed in _OPEN
        if found[name] == value
    ]
    if not beyond or not left_open or found["access.exposed"]:
        return None
    exposed = SETTINGS["access.exposed"]
    return "\n".join(
        (
            f"{', '.join(beyond)} can be reached from other machines, and nobody would be asked who they are:",
            *left_open,
            "or listen on this machine alone (HOST=127.0.0.1), with a proxy in front that asks; docs/access.md",
            f"or, if it is meant: {exposed.name}: true ({exposed.variable}=1)",
        )
    )


def is_here(address: str) -> bool:
    """Whether only this machine reaches an address: loopback, or a unix socket. `address` is a host, with or without port."""
    if address.startswith(("unix:", "/")):
        return True
    host = _host(address)
    if host == "localhost":
        return True
    try:
        found: Any = ipaddress.ip_address(host)
    except ValueError:
        # A name may be any address; none at all is every address.
        return False
    return bool((getattr(found, "ipv4_mapped", None) or found).is_loopback)


def _host(address: str) -> str:
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address if address.count(":") > 1 else address.partition(":")[0]
