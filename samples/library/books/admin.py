"""Books in the admin."""

from django.contrib import admin

from books.models import Book

admin.site.register(Book, search_fields=["title", "notes__shelf"])
