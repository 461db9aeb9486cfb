"""How fast, how heavy and how safe: measured side by side with other rules engines. See bench/README.md."""
