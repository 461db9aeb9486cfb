"""Indication: which percutaneous intervention, under which anaesthesia, and why. See docs/architecture.md."""

ENGINE_VERSION = "0.1.0"
