"""The bundle: after the seal, modules and files are there though the folders that they came from are not."""

import glob
import importlib
import io
import linecache
import os
import pathlib
import pkgutil
import shutil
import sys
import tempfile
import unittest

from guesthouse.bundle.store import STORE
from tests.fakes.sealed import Sealed


class Files(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sealed = Sealed(
            {
                "app.txt": "text \u00e9\n",
                "templates/index.html": "<p>" * 500,
                "templates/mail/a.txt": "a",
                "empty/keep": "",
                "docs/readme.md": "no",
                "db.sqlite3": "no",
            },
            exclude=["docs/**"],
        )

    @classmethod
    def tearDownClass(cls):
        cls.sealed.end()

    def path(self, name):
        return self.sealed.root + "/" + name

    def test_open_reads_text_and_bytes(self):
        with open(self.path("app.txt"), encoding="utf-8") as text:
            self.assertEqual(text.read(), "text \u00e9\n")
        with io.open(self.path("app.txt"), "rb") as data:
            self.assertEqual(data.read(), "text \u00e9\n".encode())
        self.assertEqual(pathlib.Path(self.path("templates/index.html")).read_text(), "<p>" * 500)

    def test_a_relative_path_begins_at_the_apps_root(self):
        with open("templates/mail/a.txt") as text:
            self.assertEqual(text.read(), "a")

    def test_what_is_not_there_is_not_found(self):
        for missing in ("nothing", "templates/nothing", "docs/readme.md", "db.sqlite3"):
            with self.assertRaises(FileNotFoundError):
                open(self.path(missing))
            self.assertFalse(os.path.exists(self.path(missing)))

    def test_a_folder_cannot_be_opened(self):
        with self.assertRaises(IsADirectoryError):
            open(self.path("templates"))

    def test_writing_without_a_state_folder_says_what_to_do(self):
        for name in ("app.txt", "new.txt"):
            with self.assertRaisesRegex(OSError, r"\[state\]"):
                open(self.path(name), "w")

    def test_os_path_and_pathlib_see_files_and_folders(self):
        self.assertTrue(os.path.isfile(self.path("app.txt")))
        self.assertTrue(os.path.isdir(self.path("templates")))
        self.assertTrue(pathlib.Path(self.path("templates/../app.txt")).is_file())
        self.assertEqual(os.path.getsize(self.path("templates/index.html")), 1500)
        self.assertTrue(os.access(self.path("app.txt"), os.R_OK))
        self.assertFalse(os.access(self.path("app.txt"), os.W_OK))
        self.assertEqual(sorted(os.listdir(self.path("templates"))), ["index.html", "mail"])

    def test_walking_and_globbing_find_all(self):
        found = [
            (folder[len(self.sealed.root) :], folders, files) for folder, folders, files in os.walk(self.sealed.root)
        ]
        self.assertIn(("/templates", ["mail"], ["index.html"]), found)
        self.assertIn(("/templates/mail", [], ["a.txt"]), found)
        self.assertEqual(len(glob.glob(self.path("**/*.txt"), recursive=True)), 2)
        self.assertEqual(len(list(pathlib.Path(self.sealed.root).rglob("*.html"))), 1)
        with os.scandir(self.path("templates")) as entries:
            self.assertEqual([(one.name, one.is_dir()) for one in entries], [("index.html", False), ("mail", True)])

    def test_the_mtime_has_the_builds_second_and_a_fraction_of_the_content(self):
        one, other = os.stat(self.path("app.txt")), os.stat(self.path("templates/index.html"))
        self.assertEqual((one.st_mtime_ns // 10**9, other.st_mtime_ns // 10**9), (1_700_000_000, 1_700_000_000))
        self.assertNotEqual(one.st_mtime, other.st_mtime)
        self.assertEqual(one.st_mtime, os.stat(self.path("app.txt")).st_mtime)

    def test_files_elsewhere_are_the_systems(self):
        with tempfile.NamedTemporaryFile("w+") as file:
            file.write("x")
            file.flush()
            self.assertEqual(pathlib.Path(file.name).read_text(), "x")


class Live(unittest.TestCase):
    def setUp(self):
        self.sealed = Sealed({"app.txt": "bundled", "media/logo.txt": "logo"})
        os.makedirs(self.sealed.root)
        self.sealed.look_again()

    def tearDown(self):
        self.sealed.end()

    def read(self, name):
        with open(self.sealed.root + "/" + name) as text:
            return text.read()

    def test_what_is_mounted_wins_and_the_bundle_shows_through(self):
        with open(self.sealed.root + "/app.txt", "w") as text:
            text.write("live!")
        self.assertEqual((self.read("app.txt"), self.read("media/logo.txt")), ("live!", "logo"))
        self.assertEqual(os.path.getsize(self.sealed.root + "/app.txt"), 5)
        self.assertEqual(sorted(os.listdir(self.sealed.root)), ["app.txt", "media"])

    def test_what_is_written_goes_into_the_mount_also_where_only_the_bundle_has_a_folder(self):
        from guesthouse.bundle import real

        path = self.sealed.root + "/media/new/upload.txt"
        os.makedirs(os.path.dirname(path))
        with open(path, "x") as text:
            text.write("up")
        descriptor = os.open(self.sealed.root + "/media/two.txt", os.O_CREAT | os.O_WRONLY)
        os.close(descriptor)
        self.assertTrue(real.exists(path))
        self.assertEqual(sorted(os.listdir(self.sealed.root + "/media")), ["logo.txt", "new", "two.txt"])
        os.replace(path, self.sealed.root + "/media/moved.txt")
        self.assertEqual(self.read("media/moved.txt"), "up")

    def test_a_bundled_file_is_copied_before_it_is_changed(self):
        with open(self.sealed.root + "/app.txt", "a") as text:
            text.write(" and more")
        self.assertEqual(self.read("app.txt"), "bundled and more")
        with self.assertRaises(FileExistsError):
            open(self.sealed.root + "/media/logo.txt", "x")


class Modules(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sealed = Sealed(
            {
                "late_one.py": "VALUE = 1\n\ndef fail():\n    raise ValueError('here')\n",
                "late_pack/__init__.py": "from late_pack import inner\n",
                "late_pack/inner.py": "import pkgutil\nDATA = pkgutil.get_data('late_pack', 'some.dat')\n",
                "late_pack/some.dat": "data",
                "late_space/deep/leaf.py": "NAME = __name__\n",
                "late_apps/shelf.py": "WHERE = __file__\n",
                "late_bad.py": "def (:\n",
            },
            library={
                "late_lib/__init__.py": "TEXT = 'lib'\n",
                "late_lib/tests/__init__.py": "",
                "late_lib-1.2.dist-info/METADATA": "Metadata-Version: 2.1\nName: late-lib\nVersion: 1.2\n",
                "late_space/other.py": "",
                "early_pack/__init__.py": "",
                "early_pack/inner.py": "VALUE = 1\n\nclass Kind:\n    pass\n",
                "early_pack/other.py": "VALUE = 2\n",
            },
            early=("early_pack.inner", "early_pack.other"),
        )

    @classmethod
    def tearDownClass(cls):
        cls.sealed.end()

    def test_a_late_import_comes_out_of_the_bundle(self):
        module = importlib.import_module("late_one")
        self.assertEqual((module.VALUE, module.__file__), (1, self.sealed.root + "/late_one.py"))
        self.assertEqual(importlib.import_module("late_lib").TEXT, "lib")
        self.assertEqual(importlib.import_module("late_pack").inner.DATA, b"data")

    def test_a_module_that_was_imported_at_the_build_is_there_by_another_name_too(self):
        # As PyMySQL stands for MySQLdb: the package by an alias, what lies in it by the import system.
        import early_pack

        self.assertNotIn(early_pack.__file__, STORE.code)
        sys.modules["alias_pack"] = early_pack
        self.addCleanup(sys.modules.pop, "alias_pack")
        inner = importlib.import_module("alias_pack.inner")
        self.assertEqual((inner.__name__, inner.VALUE), ("alias_pack.inner", 1))
        self.assertIs(inner.Kind, sys.modules["early_pack.inner"].Kind)
        self.assertEqual(importlib.import_module("alias_pack.other").VALUE, 2)

    def test_namespace_packages_are_joined_over_roots(self):
        self.assertEqual(importlib.import_module("late_space.deep.leaf").NAME, "late_space.deep.leaf")
        importlib.import_module("late_space.other")
        self.assertEqual(len(list(sys.modules["late_space"].__path__)), 2)

    def test_a_folder_that_the_app_puts_on_the_path_is_searched(self):
        folder = self.sealed.root + "/late_apps"
        sys.path.insert(0, folder)
        try:
            self.assertEqual(importlib.import_module("shelf").WHERE, folder + "/shelf.py")
        finally:
            sys.path.remove(folder)

    def test_modules_can_be_listed(self):
        names = [module.name for module in pkgutil.iter_modules([self.sealed.root])]
        self.assertIn("late_one", names)
        self.assertIn("late_pack", names)
        self.assertNotIn("late_space", names)

    def test_resources_and_metadata_are_found(self):
        import importlib.metadata
        import importlib.resources

        self.assertEqual(importlib.metadata.version("late-lib"), "1.2")
        importlib.import_module("late_pack")
        self.assertEqual(importlib.resources.files("late_pack").joinpath("some.dat").read_text(), "data")

    def test_a_traceback_shows_the_apps_own_lines(self):
        import traceback

        module = importlib.import_module("late_one")
        try:
            module.fail()
        except ValueError:
            self.assertIn("raise ValueError('here')", traceback.format_exc())
        self.assertEqual(linecache.getline(module.__file__, 1), "VALUE = 1\n")

    def test_what_is_missing_or_broken_is_an_error_as_elsewhere(self):
        with self.assertRaises(ModuleNotFoundError):
            importlib.import_module("late_nothing")
        with self.assertRaises(ModuleNotFoundError):
            importlib.import_module("late_lib.tests")
        with self.assertRaises(SyntaxError):
            importlib.import_module("late_bad")


class Library(unittest.TestCase):
    def test_the_compiled_library_is_read_as_it_was_written(self):
        from guesthouse.bundle import library

        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        for name in ("a.py", "pack/__init__.py", "test/no.py", "broken.py"):
            os.makedirs(os.path.dirname(folder + "/" + name), exist_ok=True)
            with open(folder + "/" + name, "w") as text:
                text.write("def (" if name == "broken.py" else "X = 1\n")
        code = library.compile_all(folder)
        self.assertEqual(sorted(code), [folder + "/a.py", folder + "/pack/__init__.py"])
        library.save(folder + "/bundle", code)
        self.assertEqual(library.load(folder + "/bundle"), code)
