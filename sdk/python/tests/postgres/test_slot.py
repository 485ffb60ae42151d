"""The module that psycopg takes for its compiled half."""

import importlib.util
import unittest

from guesthouse import standin

_NAMES = "__build_version__ __impl__ Conninfo Escaping PGcancel PGcancelConn PGconn PGresult version"


def load():
    spec = importlib.util.spec_from_file_location("psycopg_binary.pq", standin.FOLDER + "/psycopg_binary/pq.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Slot(unittest.TestCase):
    def test_it_has_what_psycopg_takes(self):
        ours = load()
        for name in _NAMES.split():
            self.assertTrue(hasattr(ours, name), name)
        # With "binary" psycopg would look for an extension beside it.
        self.assertEqual(ours.__impl__, "python")

    def test_its_classes_have_all_that_psycopg_calls(self):
        try:
            from psycopg.pq import abc
        except ImportError:
            self.skipTest("psycopg is not installed")
        ours = load()
        for name in ("PGconn", "PGresult", "PGcancel", "PGcancelConn", "Conninfo", "Escaping"):
            wanted = {one for one in vars(getattr(abc, name)) if not one.startswith("_")}
            # What each object has, and not its class.
            wanted -= {"status", "notice_handler", "notify_handler"}
            self.assertEqual([one for one in sorted(wanted) if not hasattr(getattr(ours, name), one)], [])
