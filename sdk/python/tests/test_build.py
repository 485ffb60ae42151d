"""A build from its settings to its report, and the instance that comes of it."""

import sys
import unittest

from tests.fakes.build import built

HELLO = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
"""


def answering(expression, before=""):
    return (
        before
        + "\ndef app(environ, start_response):\n    start_response('200 OK', [])\n    return [str(%s).encode()]\n"
        % expression
    )


class Builds(unittest.TestCase):
    def test_an_app_is_built_warmed_and_answers(self):
        done = built(
            {"app.py": HELLO, "page.html": "x" * 1000},
            [{"path": "/"}],
            warm=["/", {"path": "/x", "method": "POST", "body": "b"}],
        )
        self.assertEqual(done.replies, [[200, "hello"]], done.error)
        report = done.report
        self.assertEqual((report["interface"], report["refused"], report["warnings"]), ("wsgi", None, []))
        self.assertEqual(
            [(one["method"], one["path"], one["status"], one["bytes"]) for one in report["warm"]],
            [("GET", "/", 200, 5), ("POST", "/x", 200, 5)],
        )
        self.assertEqual(report["files"], 2)
        self.assertLess(report["file_bytes"], 800)

    def test_a_factory_takes_arguments_and_a_source_need_not_be_flat(self):
        shop = """
import till
def create_app(name, *, mark="?"):
    def app(environ, start_response):
        start_response("200 OK", [])
        with open("sign.txt") as sign:
            return [(name + mark + till.NAME + sign.read()).encode()]
    return app
"""
        files = {
            "web/shop.py": shop,
            "web/sign.txt": "sign",
            "src/till/__init__.py": "NAME = 'till'",
            "lib/x.py": "",
        }
        for snapshot in ("app", "libraries"):
            done = built(
                files,
                [{"path": "/"}],
                app="shop:create_app('shop', mark='!')",
                home="web",
                paths=["src", "none"],
                environment={"HTTP_X": "1"},
                snapshot=snapshot,
            )
            self.assertEqual(done.replies, [[200, "shop!tillsign"]], done.error)
        chain = "class Shop:\n    def __init__(self, name):\n        self.name = name\n    def app(self):\n        return create_app(self.name)\n"
        files["web/shop.py"] += chain
        done = built(files, [{"path": "/"}], app="shop:Shop('x').app()", home="web", paths=["src"])
        self.assertEqual(done.replies, [[200, "x?tillsign"]], done.error)
        refused = built(files, app="shop:create_app(print())", home="web", paths=["src"]).report["refused"]
        self.assertIn("is no name and no call with literals", refused)

    def test_templates_are_compiled_where_that_can_be_done(self):
        jinja = """
class Environment:
    def __init__(self, names, loader=True):
        self.names, self.loader, self.compiled = names, loader, []
    def list_templates(self):
        if self.names is None:
            raise TypeError("this loader cannot tell")
        return self.names
    def get_template(self, name):
        if name == "draft.html":
            raise ValueError("not closed")
        self.compiled.append(name)
"""
        flask = """
from functools import cached_property
from jinja2 import Environment
class Flask:
    @cached_property
    def jinja_env(self):
        return Environment(["shop.html", "draft.html", "cart.html"])
"""
        app = """
from flask import Flask
from jinja2 import Environment
others = [Environment(None), Environment(["never.html"], loader=None)]
shop = Flask()
"""
        asked = answering("[shop.jinja_env.compiled, others[1].compiled]", app)
        library = {"jinja2.py": jinja, "flask.py": flask}
        done = built({"app.py": asked}, [{}], library=library)
        self.assertEqual(done.replies, [[200, "[['shop.html', 'cart.html'], []]"]], done.error)
        self.assertEqual(done.report["templates"], 2)

    def test_a_factory_and_a_default_name_are_found(self):
        done = built(
            {"shop.py": "def make():\n    from app import app\n    return app\n", "app.py": HELLO},
            [{}],
            app="shop:make()",
        )
        self.assertEqual(done.replies, [[200, "hello"]], done.error)
        self.assertEqual(built({"app.py": HELLO}, [{}], app="app").replies, [[200, "hello"]])

    def test_what_cannot_become_a_component_is_refused_in_one_sentence(self):
        leaking = "import os\nKEPT = open(os.path.join(os.path.dirname(__file__), 'kept.txt'))\n" + HELLO
        for app, settings, words in (
            (
                {"app.py": "import nowhere\n" + HELLO},
                {},
                "`app:app` cannot be imported: ModuleNotFoundError: No module named 'nowhere'",
            ),
            ({"app.py": HELLO}, {"app": "app:wrong"}, "`app` has no `wrong`; it has `app`"),
            ({"app.py": "app = 3"}, {}, "`app:app` is no callable, but int"),
            ({"app.py": "import sys\nsys.exit(4)"}, {}, "cannot be imported: SystemExit: 4"),
            ({"app.py": leaking, "kept.txt": ""}, {}, "file /0/kept.txt; open it when a request needs it"),
            (
                {"app.py": "import socket\nKEPT = socket.socket()\n" + HELLO},
                {},
                "there is no network while the component is built: `socket.socket`",
            ),
            (
                {"app.py": HELLO, "bad.py": "print('no'); raise SystemExit(2)"},
                {"run": [["bad.py"]]},
                "`bad.py` ended with 2: no",
            ),
            ({"app.py": HELLO}, {"nonsense": 1}, "unknown setting `nonsense`"),
            ({"app.py": HELLO}, {"interface": "cgi"}, "`interface` must be one of"),
        ):
            with self.subTest(words):
                report = built(app, **settings).report
                self.assertIn(words, report["refused"])

    def test_a_warm_up_that_fails_beside_one_that_does_not_is_a_warning(self):
        app = answering("{'/': 1}[environ['PATH_INFO']]")
        report = built({"app.py": app}, warm=["/", "/bad"]).report
        self.assertIsNone(report["refused"])
        self.assertEqual(len(report["warnings"]), 1)
        self.assertIn("warm-up GET /bad: status 500: KeyError: '/bad'", report["warnings"][0])

    def test_a_warm_up_that_always_fails_is_told_and_no_more(self):
        views = "def total(goods):\n    return 1 / goods\n"
        app = """
import views
def app(environ, start_response):
    try:
        views.total(0)
    except ZeroDivisionError:
        # As Django does, which says nothing.
        start_response("500 Internal Server Error", [("Content-Type", "text/plain")])
        return [b"sorry"]
"""
        done = built({"app.py": app, "views.py": views}, [{}])
        self.assertEqual(done.replies, [[500, "sorry"]], done.error)
        said = done.report["warnings"][0]
        self.assertIn("warm-up GET /: status 500: ", said)
        if hasattr(sys, "monitoring"):
            self.assertIn("ZeroDivisionError: division by zero (views.py, line 2)", said)
        done = built({"app.py": "import sys\n" + answering("sys.exit(3)")}, [{}])
        self.assertEqual([status for status, _ in done.replies], [500], done.error)

    def test_nothing_that_a_warm_up_writes_is_in_the_component(self):
        app = """
import os
open("made-at-import.txt", "w").close()
def app(environ, start_response):
    try:
        os.mkdir("cache")
        open("cache/page.html", "w").write("warm")
        open("counted.txt", "w").write("2")
    except OSError:
        pass
    start_response("200 OK", [])
    return [(str(sorted(os.listdir("."))) + open("counted.txt").read()).encode()]
"""
        done = built({"app.py": app, "counted.txt": "1"}, [{}])
        self.assertEqual(done.replies, [[200, "['app.py', 'counted.txt', 'made-at-import.txt']1"]], done.error)

    def test_a_stream_that_never_ends_is_left(self):
        app = """
def app(environ, start_response):
    start_response("200 OK", [])
    while True:
        yield b"x" * 1048576
"""
        done = built({"app.py": app})
        self.assertIsNone(done.report["refused"])
        self.assertEqual(done.report["warm"][0]["status"], 200)

    def test_a_log_file_is_closed_at_the_seal_and_one_that_cannot_be_opened_goes_to_the_log(self):
        app = """
import logging
logging.basicConfig(filename="shop.log", level=logging.INFO)
lost = logging.getLogger("lost")
lost.addHandler(logging.FileHandler("/nowhere/at/all.log"))
lost.propagate = False
def app(environ, start_response):
    lost.info("a line")
    logging.info("another")
    start_response("200 OK", [])
    return [sys.stderr.getvalue().encode() + open("shop.log").read().encode() if "shop.log" in os.listdir(".") else b""]
"""
        done = built({"app.py": "import os, sys\n" + app}, [{}], state={"other.txt": ""})
        said = "guesthouse: the log file `/nowhere/at/all.log` cannot be opened (No such file or directory): its lines are here\n"
        self.assertEqual(done.replies, [[200, said + "a line\nINFO:root:another\n"]], done.report["refused"] or done.error)

    def test_the_environment_that_the_app_itself_reads_is_reported_with_its_line(self):
        app = """import os
SECRET = os.environ.get("SECRET", "x")
os.environ.setdefault("SET_HERE", "1")
SAME = os.getenv("SET_HERE")
import library
NAMED = library.read("NAMED")
"""
        library = "import os\nOWN = os.environ.get('LIBRARYS')\ndef read(name):\n    return os.environ.get(name) or os.environ.get('OTHER')\n"
        report = built({"app.py": app + HELLO}, library={"library.py": library}).report
        self.assertEqual(
            report["environment"],
            [{"name": "SECRET", "file": "/0/app.py", "line": 2}, {"name": "NAMED", "file": "/0/app.py", "line": 6}],
        )

    def test_fields_of_settings_are_read_of_the_environment(self):
        app = "from pydantic_settings import Settings\nclass Own(Settings):\n    model_fields = {'name': 1, 'size': 2}\nSHOP = Own()\n"
        env = """import os
class EnvSettingsSource:
    def __init__(self, settings_cls, case_sensitive=None):
        self.values = {name.lower(): value for name, value in os.environ.items()}
    def _extract_field_info(self, field, name):
        return [(name, "shop_" + name, False)]
"""
        package = """from pydantic_settings.sources import EnvSettingsSource
class Settings:
    def __init__(self):
        EnvSettingsSource(type(self))
"""
        library = {
            "pydantic_settings/__init__.py": package,
            "pydantic_settings/sources/__init__.py": "from pydantic_settings.sources.providers.env import EnvSettingsSource\n",
            "pydantic_settings/sources/providers/__init__.py": "",
            "pydantic_settings/sources/providers/env.py": env,
        }
        report = built({"app.py": app + HELLO}, library=library).report
        read = [{"name": name, "file": "/0/app.py", "line": 4} for name in ("SHOP_NAME", "SHOP_SIZE")]
        self.assertEqual(report["environment"], read, report["refused"])

    def test_random_bytes_drawn_at_import_are_a_warning(self):
        report = built({"app.py": "import secrets\nKEY = secrets.token_hex()\n" + HELLO}).report
        self.assertIn("/0/app.py, line 2 draws random bytes", report["warnings"][0])

    def test_a_command_runs_before_the_app_is_imported_and_its_output_is_reported(self):
        command = "import sys\nopen('made.txt', 'w').write(sys.argv[1])\nprint('did it')\n"
        app = answering("MADE", "MADE = open('made.txt').read()")
        done = built({"app.py": app, "make.py": command}, [{}], run=["python make.py made"])
        self.assertEqual(done.replies, [[200, "made"]], done.error)
        self.assertEqual(
            done.report["ran"], [{"command": ["python", "make.py", "made"], "code": 0, "output": "did it\n"}]
        )


class Instances(unittest.TestCase):
    def test_what_the_app_set_in_its_environment_is_there_unless_the_host_says_otherwise(self):
        app = answering(
            "os.environ['A'] + os.environ['B']",
            "import os\nos.environ.setdefault('A', 'app')\nos.environ['B'] = 'app'\n",
        )
        done = built({"app.py": app}, [{}], environment={"B": "host"})
        self.assertEqual(done.replies, [[200, "apphost"]])

    def test_with_libraries_only_the_app_is_imported_by_the_first_request(self):
        app = "import os, library\nGREETING = os.environ['GREETING'] + str(library.COUNT)\n" + answering("GREETING")
        library = "import sys\nsys.imported = COUNT = getattr(sys, 'imported', 0) + 1\n"
        done = built(
            {"app.py": app},
            [{}, {}],
            library={"library.py": library},
            environment={"GREETING": "hi"},
            snapshot="libraries",
        )
        self.assertEqual(done.replies, [[200, "hi1"], [200, "hi1"]], done.error)

    def test_with_libraries_a_mounted_source_is_what_runs(self):
        done = built({"app.py": answering("1")}, [{}], source=True, snapshot="libraries")
        self.assertEqual(done.replies, [[200, "1"]], done.error)
        done = built({"app.py": answering("1")}, [{}], state={"app.py": answering("2")}, snapshot="libraries")
        self.assertEqual(done.replies, [[200, "2"]], done.error)

    def test_a_mounted_source_is_left_as_it_was(self):
        files = {"app.py": answering("sorted(os.listdir('.'))", "import os, other"), "other.py": ""}
        done = built(files, [{}], source=True, snapshot="libraries")
        self.assertEqual(done.replies, [[200, "['app.py', 'other.py']"]], done.error)

    def test_an_app_that_fails_to_import_in_an_instance_answers_500_and_is_tried_again(self):
        done = built({"app.py": "import os\nos.environ['MISSING']\n" + HELLO}, [{}, {}], snapshot="libraries")
        self.assertEqual([status for status, _ in done.replies], [500, 500], done.error)

    def test_prepare_runs_once_for_a_build_where_there_is_state(self):
        files = {
            "app.py": answering("open('count.txt').read()", "import os"),
            "count.py": "open('count.txt', 'a').write('x')\n",
        }
        settings = {"prepare": [["count.py"]], "build": "b1", "warm": []}
        self.assertEqual(built(files, [{}, {}], state={}, **settings).replies, [[200, "x"], [200, "x"]])
        self.assertEqual([status for status, _ in built(files, [{}], **settings).replies], [500])

    def test_a_prepare_that_fails_keeps_the_app_from_answering(self):
        files = {"app.py": HELLO, "fail.py": "raise SystemExit(1)"}
        done = built(files, [{}], state={}, prepare=[["fail.py"]])
        self.assertEqual([status for status, _ in done.replies], [500])

    def test_a_command_that_imports_the_app_is_refused_where_an_instance_is_to_import_it(self):
        files = {"app.py": HELLO, "make.py": "import app\n"}
        done = built(files, [], run=[["make.py"]], snapshot="libraries")
        self.assertIn("imports `app`", done.report["refused"])

    def test_a_prepare_that_may_fail_does_not(self):
        files = {"app.py": HELLO, "fail.py": "raise SystemExit(1)"}
        done = built(files, [{}], state={}, prepare=[["-fail.py"]])
        self.assertEqual([status for status, _ in done.replies], [200], done.error)


class Network(unittest.TestCase):
    def test_there_is_none_before_the_seal_and_the_systems_own_afterwards(self):
        app = """
import socket
from socket import getaddrinfo
def probe(what, *args):
    try:
        return str(what(*args))[:1] and "went through"
    except OSError as error:
        return str(error)
def all_of_them():
    made = probe(socket.socket, socket.AF_INET, socket.SOCK_DGRAM)
    return [made, probe(getaddrinfo, "127.0.0.1", 80), probe(socket.gethostbyname, "127.0.0.1")]
AT_IMPORT = all_of_them()
WARM = []
def app(environ, start_response):
    WARM.append(all_of_them())
    start_response("200 OK", [])
    return [repr([AT_IMPORT, *WARM]).encode()]
"""
        done = built({"app.py": app}, [{}])
        at_import, warm, served = eval(done.replies[0][1])
        self.assertEqual(served, ["went through"] * 3)
        self.assertEqual(warm, at_import)
        for said, name in zip(at_import, ("socket.socket", "socket.getaddrinfo", "socket.gethostbyname")):
            self.assertIn("there is no network while the component is built: `%s`" % name, said)


class Chance(unittest.TestCase):
    def test_two_instances_of_one_build_differ(self):
        app = """
import random, tempfile, uuid
OWN, SEEDED = random.Random(), random.Random(7)
uuid.getnode()
next(tempfile._get_candidate_names())
"""
        drawn = "[OWN.random(), SEEDED.random(), uuid.getnode(), next(tempfile._get_candidate_names())]"
        done = built({"app.py": app + answering(drawn)}, [{}], instances=2, warm=[])
        (_, first), (_, second) = done.replies
        one, other = eval(first), eval(second)
        self.assertNotEqual(one[0], other[0])
        self.assertEqual(one[1], other[1], "a seed that the app gave is its own")
        self.assertNotEqual(one[3], other[3])
        self.assertIn("was given a seed", done.report["warnings"][0])

    def test_a_lazy_object_is_not_woken_by_the_build(self):
        lazy = """
import sys
class Lazy:
    __slots__ = ("kept",)
    def __getattribute__(self, name):
        raise RuntimeError("woken by " + name)
LAZY = Lazy()
Lazy.kept.__set__(LAZY, [LAZY])
sys.modules["lazy"] = LAZY
"""
        done = built({"app.py": lazy + HELLO}, [{}])
        self.assertEqual(done.replies, [[200, "hello"]], done.report["refused"])

    def test_renewing_changes_every_generator_that_nobody_seeded(self):
        import random

        from guesthouse import chance

        own, seeded = random.Random(), random.Random(7)
        before = own.getstate(), seeded.getstate(), random.getstate()
        chance.renew(chance.generators([seeded]))
        self.assertNotEqual(own.getstate(), before[0])
        self.assertEqual(seeded.getstate(), before[1])
        self.assertNotEqual(random.getstate(), before[2])
