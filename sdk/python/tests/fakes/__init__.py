"""In place of what the tool generates: the modules that the SDK imports, and a host that answers to them."""
