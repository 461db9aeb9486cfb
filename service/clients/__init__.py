"""Which EHRs may call, from one file: read, checked, with their public keys. It knows nothing of the web."""
