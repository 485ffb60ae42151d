"""Clients of the standard library on the way out, in a process of their own: they find `socket` changed for good."""
