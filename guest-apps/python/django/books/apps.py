"""The app's name and its kind of primary keys."""

from django.apps import AppConfig


class BooksConfig(AppConfig):
    name = "books"
