"""Who may call, from one file: read, checked, with their public keys and the digests of their API keys. It knows nothing of the web."""
