"""The app as Django knows it."""

from django.apps import AppConfig


class BooksConfig(AppConfig):
    name = "books"
