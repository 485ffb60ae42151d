"""What instances that were cut off have left in the state folder."""

import os
import sqlite3
import tempfile
import types
import unittest
import unittest.mock

from guesthouse import sqlite


class Locks(unittest.TestCase):
    def test_a_lock_of_sqlites_that_nobody_has_any_more_is_forgotten(self):
        with tempfile.TemporaryDirectory() as root:
            for folder in ("a.db.lock", "b/c.db.lock", "other.lock", "full.db.lock/x"):
                os.makedirs(root + "/" + folder)
            for file in ("a.db", "b/c.db", "full.db"):
                with open(root + "/" + file, "w", encoding="utf-8"):
                    pass
            for folder in ("a.db.lock", "b/c.db.lock", "other.lock", "full.db.lock"):
                os.utime(root + "/" + folder, (1, 1))
            os.mkdir(root + "/full.db.lock/new.lock")
            sqlite.forget_below(root)
            left = [name for name in sorted(os.listdir(root)) if name.endswith(".lock")]
            self.assertEqual((left, os.listdir(root + "/b")), (["full.db.lock", "other.lock"], ["c.db"]))
            os.mkdir(root + "/a.db.lock")
            sqlite.forget_below(root)
            self.assertTrue(os.path.isdir(root + "/a.db.lock"), "somebody may have it")

    def test_it_is_forgotten_when_the_database_is_opened_and_before_each_request(self):
        module = types.SimpleNamespace(connect=sqlite3.connect)
        sqlite.change(module)
        with tempfile.TemporaryDirectory() as root:
            lock = root + "/a.db.lock"
            for act in (lambda: module.connect("file:%s/a.db?mode=rwc" % root, uri=True).close(), sqlite.begin):
                os.mkdir(lock)
                os.utime(lock, (1, 1))
                act()
                self.assertFalse(os.path.exists(lock))
    def test_a_folder_that_the_app_has_in_memory_is_made_for_its_database(self):
        module = types.SimpleNamespace(connect=sqlite3.connect)
        sqlite.change(module)
        with tempfile.TemporaryDirectory() as root:
            with unittest.mock.patch("os.path.isdir", lambda path: path == root + "/shop/blog"):
                module.connect(root + "/shop/blog/blog.db").close()
            self.assertRaises(sqlite3.OperationalError, module.connect, root + "/nowhere/blog.db")

    def test_what_is_a_file_is_told(self):
        self.assertEqual([sqlite.path_of(one) for one in (":memory:", "", b"/x.db", 7)], [None, None, "/x.db", None])
