"""The HTTP door. It decides nothing: it reads requests, calls the Decider and words the refusals."""

from service.web.app import create_app

__all__ = ["create_app"]
