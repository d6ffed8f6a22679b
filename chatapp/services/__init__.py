"""One use case per file; providers and the store are known through `core.ports` only."""
