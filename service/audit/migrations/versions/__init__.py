"""One step each. A new one names the one before in `down_revision`; `service.audit.tables.SCHEMA` names the last."""
