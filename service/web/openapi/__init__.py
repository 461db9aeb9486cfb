"""The OpenAPI 3.1 description of the HTTP door, derived from the rulebook in service."""

from service.web.openapi.document import openapi

__all__ = ["openapi"]
