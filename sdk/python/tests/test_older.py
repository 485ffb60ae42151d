"""What Python had until 3.12 or 3.13, and what code of that time does with it."""

import ast
import importlib.abc
import json
import pkgutil
import types
import unittest
import warnings
from unittest import mock

from guesthouse import older

# Where the Python that runs this has it itself, its own is put aside.
_OURS = {ast: (*older._CONSTANTS,), pkgutil: ("get_loader", "find_loader", "ImpImporter"), importlib.abc: older._RESOURCES}


class Older(unittest.TestCase):
    def setUp(self):
        caught = warnings.catch_warnings()
        caught.__enter__()
        self.addCleanup(caught.__exit__, None, None, None)
        warnings.simplefilter("ignore", DeprecationWarning)
        for module, names in _OURS.items():
            content = mock.patch.dict(module.__dict__)
            content.start()
            self.addCleanup(content.stop)
            for name in names:
                module.__dict__.pop(name, None)
            module.__dict__.pop("__getattr__", None)
        older.install(["/2"])

    def test_constants_had_classes_of_their_own(self):
        text, number, nothing = (node.value for node in ast.parse("'a'; 1; ...").body)
        self.assertTrue(isinstance(text, ast.Str) and not isinstance(text, ast.Num) and isinstance(number, ast.Num))
        self.assertTrue(isinstance(nothing, ast.Ellipsis) and not isinstance(ast.Name("x"), ast.Str))
        self.assertFalse(isinstance(ast.Constant(True), ast.Num))
        self.assertEqual([ast.Str("a").s, ast.Str(s="b").value, ast.Num(n=2).n, ast.Ellipsis().value], ["a", "b", 2, ...])

    def test_a_module_was_found_by_its_loader(self):
        self.assertIs(pkgutil.get_loader("json"), json.__loader__)
        self.assertIs(pkgutil.get_loader(json), json.__loader__)
        self.assertIsNone(pkgutil.find_loader("surely_nothing"))
        self.assertFalse(isinstance(json.__loader__, pkgutil.ImpImporter))

    def test_what_has_moved_is_found_where_it_was(self):
        self.assertTrue(isinstance(importlib.abc.Traversable, type))
        with self.assertRaises(AttributeError):
            importlib.abc.Nothing

    def test_an_older_starlette_is_told_its_paths_without_the_mount(self):
        self.addCleanup(setattr, older.Mount, "in_path", True)
        before = types.SimpleNamespace(Route=types.SimpleNamespace(matches=lambda scope: scope["path"]))
        between = types.SimpleNamespace(Route=types.SimpleNamespace(matches=lambda scope: scope["route_root_path"]))
        after = types.SimpleNamespace(Route=before.Route, get_route_path=None)
        for module, expected in ((before, False), (between, True), (after, True)):
            older.change_starlette(module)
            self.assertIs(older.Mount.in_path, expected)

    def test_a_context_of_an_older_django_is_copied(self):
        class BaseContext:
            def __init__(self):
                self.dicts = [{"a": 1}]

        class Context(BaseContext):
            def __copy__(self):
                return super().__copy__()

        older.change_django(types.SimpleNamespace(BaseContext=BaseContext))
        one = Context()
        other = one.__copy__()
        other.dicts.append({})
        self.assertEqual((type(other), len(one.dicts), other.dicts[0]), (Context, 1, {"a": 1}))
