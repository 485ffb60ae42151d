"""Notes: one model, one page, one form."""
