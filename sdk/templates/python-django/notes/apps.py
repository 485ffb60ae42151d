"""What Django is told of this app."""

from django.apps import AppConfig


class NotesConfig(AppConfig):
    name = "notes"
