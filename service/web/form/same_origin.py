"""Refuses what another site's page sends in the name of whoever has it open.

The form keeps no session and sets no cookie, so there is no token to compare: the browser itself says where a request
comes from (Fetch Metadata, and before it Origin). A client that is no browser says neither, and acts in its own name.
"""

from urllib.parse import urlsplit

from flask import request

from service.web.problem import Problem

_OWN = ("same-origin", "none")


def check() -> None:
    """Raises Problem on a request of another origin."""
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is not None:
        foreign = site not in _OWN
    else:
        # Browsers say Sec-Fetch-Site to trustworthy addresses only: over plain HTTP in a hospital's own network, Origin must do.
        foreign = origin is not None and urlsplit(origin).netloc != request.host
    if foreign:
        raise Problem("cross-site")
