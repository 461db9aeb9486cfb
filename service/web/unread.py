"""What nobody wants of a request's body: read and thrown away, since a connection closed on unread bytes would hide the refusal."""

from flask import request

#: bytes: a refusal hides behind more than this
MOST = 32_000_000
#: of whoever is not let in: no more than a good call may have
MOST_OF_STRANGERS = 5_000_000


def drain(most: int = MOST) -> None:
    """Reads what is left of the current request's body, `most` bytes at the most."""
    stream = request.environ["wsgi.input"]
    left = most
    try:
        while left > 0 and (chunk := stream.read(min(left, 65_536))):
            left -= len(chunk)
    except (OSError, ValueError):
        # The sender went away, or it is read already: nobody to tell.
        return
