"""Runs what is in here."""

import unittest

unittest.main("tests.bridged.standard")
