"""What a library has."""

from django.db import models


class Book(models.Model):
    title = models.CharField(max_length=200)
    author = models.CharField(max_length=200, blank=True)
    # PostgreSQL keeps it as jsonb.
    notes = models.JSONField(default=dict, blank=True)

    def __str__(self):
        return self.title
