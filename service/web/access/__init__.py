"""Who calls, and what they may: API keys, access tokens, the proxy's login for pages; one gate before every address; rates."""
