"""Finalizers of resources, beside those of everybody else."""

import gc
import unittest
from weakref import finalize

from guesthouse import finalizers


class Thing:
    pass


class Finalizers(unittest.TestCase):
    def setUp(self):
        self.addCleanup(setattr, finalize, "__init__", finalize.__init__)
        self.addCleanup(setattr, finalize, "detach", finalize.detach)
        finalizers.install()
        self.found = []

    def test_a_resource_is_given_back_once(self):
        given_back = self.found.insert
        thing = Thing()
        kept = finalize(thing, given_back, 0, "handle")
        self.assertIsInstance(finalize._registry[kept], finalizers.Handle)
        self.assertTrue(kept.alive and kept.atexit)
        kept.atexit = False
        self.assertFalse(kept.atexit)
        self.assertEqual(kept.peek(), (thing, given_back, (0, "handle"), {}))
        obj, func, args, kwargs = kept.detach()
        self.assertIs(obj, thing)
        self.assertEqual((func, args, kwargs), (given_back, (0, "handle"), {}))
        self.assertFalse(kept.alive)
        self.assertIsNone(kept.detach())
        del thing, obj
        gc.collect()
        self.assertEqual(self.found, [])

    def test_a_forgotten_resource_is_given_back(self):
        thing = Thing()
        kept = finalize(thing, self.found.insert, 0, "handle")
        del thing
        gc.collect()
        self.assertEqual((self.found, kept.alive, kept()), (["handle"], False, None))

    def test_the_apps_own_are_made_as_ever(self):
        thing = Thing()
        kept = finalize(thing, lambda *args, **kwargs: self.found.append((args, kwargs)), 1, 2, a=3)
        self.assertTrue(kept.atexit and not isinstance(finalize._registry[kept], finalizers.Handle))
        self.assertEqual(kept.detach()[2:], ((1, 2), {"a": 3}))
        finalize(thing, self.found.append, "one")
        del thing
        gc.collect()
        self.assertEqual(self.found, ["one"])
