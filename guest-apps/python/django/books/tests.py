"""python manage.py test, with Django installed"""

from django.test import TestCase

from books.models import Book


class Shelf(TestCase):
    def test_a_book_that_is_added_is_on_the_shelf(self):
        page = self.client.post("/books/add/", {"title": "Emma", "author": "Jane Austen"}, follow=True)
        self.assertContains(page, "Emma by Jane Austen")
        self.assertContains(page, "is on the shelf now")

    def test_no_book_is_added_twice(self):
        Book.objects.create(title="Emma")
        page = self.client.post("/books/add/", {"title": "emma"})
        self.assertContains(page, "on the shelf already")
