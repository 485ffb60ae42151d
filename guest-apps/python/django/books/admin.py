"""Books in Django's admin."""

from django.contrib import admin

from books.models import Book


@admin.register(Book)
class BookAdmin(admin.ModelAdmin):
    list_display = ["title", "author", "added"]
    search_fields = ["title", "author"]
