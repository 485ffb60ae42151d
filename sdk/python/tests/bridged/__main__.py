"""Runs what is in here."""

import sys

from tests.bridged import bridge

import unittest

assert bridge
unittest.main(None, argv=[sys.argv[0], *(sys.argv[1:] or ("tests.bridged.standard", "tests.bridged.connections"))])
