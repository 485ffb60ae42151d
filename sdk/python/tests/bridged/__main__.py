"""Runs what is in here."""

from tests.bridged import bridge

import unittest

assert bridge
unittest.main("tests.bridged.standard")
