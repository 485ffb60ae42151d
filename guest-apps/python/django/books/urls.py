"""Paths of the shelf."""

from django.urls import path

from books import views

urlpatterns = [
    path("", views.shelf, name="shelf"),
    path("books/add/", views.add, name="add"),
    path("stream/", views.stream, name="stream"),
]
