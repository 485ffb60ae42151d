import os
import tempfile
import unittest

from guesthouse import beside


class Beside(unittest.TestCase):
    def test_what_is_new_is_told_by_its_outermost_name(self):
        with tempfile.TemporaryDirectory() as root:
            self.put(root, "app.py")
            before = beside.names(root)
            self.assertEqual(beside.new(root, before), [])
            for name in ("instance/a/shop.db", "app.db", "__pycache__/app.pyc", "late.pyc", "debug.log", "out/x.log"):
                self.put(root, name)
            os.mkdir(root + "/logs")
            os.mkdir(root + "/uploads")
            self.assertEqual(beside.new(root, before), ["app.db", "instance", "uploads"])

    def put(self, root, name):
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8"):
            pass


if __name__ == "__main__":
    unittest.main()
