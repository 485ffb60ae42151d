"""The site through Django's own client, on a database of its own. Skipped where Django is not installed."""

import os
import unittest

try:
    import django
except ModuleNotFoundError as missing:
    raise unittest.SkipTest(f"{missing}: pip install -r requirements.txt") from missing

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.test import Client  # noqa: E402
from django.test import TestCase  # noqa: E402
from django.test.runner import DiscoverRunner  # noqa: E402
from django.test.utils import override_script_prefix  # noqa: E402

from notes.models import Note  # noqa: E402

runner = DiscoverRunner(verbosity=0, interactive=False)
databases = None


def setUpModule():
    global databases
    # `manage.py test` has done it already.
    if "testserver" not in settings.ALLOWED_HOSTS:
        runner.setup_test_environment()
        databases = runner.setup_databases()


def tearDownModule():
    if databases is not None:
        runner.teardown_databases(databases)
        runner.teardown_test_environment()


class Notes(TestCase):
    def test_a_note_that_is_written_is_on_the_page(self):
        page = self.client.post("/", {"text": "Water <the> plants"}, follow=True)
        self.assertContains(page, "Water &lt;the&gt; plants", count=2)
        self.assertContains(page, "Noted: ")

    def test_an_empty_note_is_told_so(self):
        self.assertContains(self.client.post("/", {"text": ""}), "This field is required")
        self.assertFalse(Note.objects.exists())

    def test_a_form_of_another_site_is_refused(self):
        strict = Client(enforce_csrf_checks=True)
        self.assertEqual(strict.post("/", {"text": "x"}).status_code, 403)

    def test_files_are_linked_below_the_mount_and_served(self):
        with override_script_prefix("/shop/"):
            page = self.client.get("/")
        self.assertContains(page, 'href="/shop/static/notes/notes.css"')
        style = self.client.get("/static/notes/notes.css")
        self.assertIn(b"max-width", b"".join(style))

    def test_it_answers_on_its_own_host(self):
        self.assertEqual(self.client.get("/", headers={"host": "my-app.localhost:8080"}).status_code, 200)
        self.assertEqual(self.client.get("/", headers={"host": "elsewhere.example"}).status_code, 400)


class Admin(TestCase):
    def test_somebody_who_may_can_write_notes_there(self):
        get_user_model().objects.create_superuser("ada", password="correct horse")
        self.assertContains(self.client.get("/admin/", follow=True), "Log in")
        self.client.post("/admin/login/", {"username": "ada", "password": "correct horse"})
        self.client.post("/admin/notes/note/add/", {"text": "From the admin"})
        self.assertEqual(Note.objects.get().text, "From the admin")


if __name__ == "__main__":
    unittest.main()
