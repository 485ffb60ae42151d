"""The way out of Python's own clients, in a process of its own: it changes `socket` for good."""

import os
import subprocess
import sys
import unittest


class Outbound(unittest.TestCase):
    def test_the_standard_librarys_clients_reach_the_outside_through_the_host(self):
        folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        command = [sys.executable, "-W", "error::ResourceWarning", "-m", "tests.bridged"]
        ran = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=120)
        self.assertEqual(ran.returncode, 0, ran.stderr)
