"""The project: settings, addresses, and the callable that a server calls."""
