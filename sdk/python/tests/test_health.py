"""What an instance says before it serves: whether its app can start where it is."""

import unittest

from tests.fakes.build import built

_READS = "import os\n\nKEY = os.environ['SECRET_KEY']\n\n\ndef app(environ, start_response):\n    start_response('200 OK', [])\n    return [KEY.encode()]\n"
_LIFESPAN = """
import os

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        if os.environ.get("BROKEN"):
            await send({"type": "lifespan.startup.failed", "message": "no database"})
        else:
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})
"""


class Health(unittest.TestCase):
    def test_an_app_that_cannot_be_imported_where_it_runs_says_why(self):
        app = built({"app.py": _READS}, health=True, snapshot="libraries")
        self.assertEqual(app.replies, [[None, "KeyError: 'SECRET_KEY' (app.py, line 3)"]])
        self.assertIn("Traceback (most recent call last)", app.error)

    def test_with_its_environment_it_is_well_and_answers(self):
        environment = {"SECRET_KEY": "s3cret"}
        app = built(
            {"app.py": _READS}, [{"path": "/"}], health=True, environment=environment, snapshot="libraries"
        )
        self.assertEqual(app.replies, [[200, "s3cret"]])

    def test_a_module_that_is_no_python_is_told_with_its_line(self):
        app = built({"app.py": "def app(:\n"}, health=True, snapshot="libraries")
        ((status, said),) = app.replies
        self.assertIsNone(status)
        self.assertTrue(said.startswith("SyntaxError: ") and said.endswith("(app.py, line 1)"), said)

    def test_fields_that_are_not_set_are_told_in_one_line(self):
        app = """class ValidationError(ValueError):
    def __str__(self):
        return "2 validation errors for Settings\\nKEY\\n  Field required\\n  For further information visit …"
    def errors(self):
        return [{"loc": ("KEY",), "msg": "Field required"}, {"loc": ("DB", 0), "msg": "Field required"}]
raise ValidationError()
"""
        broken = built({"app.py": app}, health=True, snapshot="libraries")
        expected = "app.ValidationError: 2 validation errors for Settings (KEY, DB.0: Field required) (app.py, line 6)"
        self.assertEqual(broken.replies, [[None, expected]])
        refused = built({"app.py": app}).report["refused"]
        self.assertTrue(refused.endswith(": 2 validation errors for Settings (KEY, DB.0: Field required)"), refused)

    def test_an_app_that_ends_the_process_is_told(self):
        app = built({"app.py": "import sys\n\nsys.exit('no settings')\n"}, health=True, snapshot="libraries")
        self.assertEqual(app.replies, [[None, "SystemExit: no settings (app.py, line 3)"]])

    def test_the_startup_of_asgi_counts(self):
        self.assertEqual(built({"app.py": _LIFESPAN}, health=True).replies, [])
        broken = built({"app.py": _LIFESPAN}, health=True, environment={"BROKEN": "1"})
        self.assertEqual(broken.replies, [[None, "guesthouse.asgi.lifespan.StartupFailed: no database"]])

    def test_what_fails_without_its_tables_is_tried_with_them(self):
        files = {
            "app.py": "open('tables').close()\n\n\ndef app(environ, start_response):\n    start_response('200 OK', [])\n    return []\n",
            "setup.py": "open('tables', 'w').close()\n",
        }
        with_tables = built(files, health=True, state={}, snapshot="libraries", prepare=[["setup.py"]])
        self.assertEqual(with_tables.replies, [])
        without = built(files, health=True, state={}, snapshot="libraries")
        self.assertTrue(without.replies[0][1].startswith("FileNotFoundError: "), without.replies)

    def test_djangos_own_checks_count(self):
        # A stand-in: whether Django's are found is shown with the real one.
        library = {
            "django/__init__.py": "",
            "django/conf.py": "class settings:\n    configured = True\n",
            "django/apps.py": "class apps:\n    ready = True\n",
            "django/core/__init__.py": "",
            "django/core/checks.py": "class E:\n    id, msg = 'urls.E001', 'no such view'\n    is_serious = lambda self: True\n"
            "    is_silenced = lambda self: False\n\n\ndef run_checks():\n    return [E()]\n",
        }
        files = {
            "app.py": "import django.conf\n\n\ndef app(environ, start_response):\n    start_response('200 OK', [])\n    return []\n"
        }
        app = built(files, library=library, health=True)
        self.assertEqual(app.replies, [[None, "guesthouse.frameworks.NotSound: urls.E001: no such view"]])

    def test_an_author_is_told_where_it_is_on_his_own_disk(self):
        environment = {"GUESTHOUSE_LIVE": "/home/ada/app"}
        app = built({"app.py": _READS}, [{"path": "/"}], health=True, environment=environment, snapshot="libraries")
        (nothing, said), (status, body) = app.replies
        self.assertEqual((nothing, status, said), (None, 500, body))
        first, _, trace = said.partition("\n\n")
        self.assertEqual(first, "KeyError: 'SECRET_KEY' (app.py, line 3)")
        self.assertIn('  File "/home/ada/app/app.py", line 3, in <module>\n    KEY = ', trace)
        self.assertNotIn("importlib", trace)

    def test_a_mistake_in_the_syntax_is_told_with_its_caret(self):
        environment = {"GUESTHOUSE_LIVE": "/home/ada/app"}
        app = built({"app.py": "def app(:\n"}, health=True, environment=environment, snapshot="libraries")
        ((_, said),) = app.replies
        self.assertRegex(said, r"^SyntaxError: .* \(app.py, line 1\)\n\n")
        self.assertIn('  File "/home/ada/app/app.py", line 1\n    def app(:\n            ^\n', said)
