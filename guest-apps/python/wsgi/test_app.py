"""python -m unittest"""

import unittest
from wsgiref.util import setup_testing_defaults

from app import application


def get(path, query=""):
    environ = {"PATH_INFO": path, "QUERY_STRING": query}
    setup_testing_defaults(environ)
    heads = []
    body = b"".join(application(environ, lambda status, headers, exc_info=None: heads.append(status)))
    return heads[-1], body


class Pages(unittest.TestCase):
    def test_hello_greets_by_name(self):
        self.assertEqual(get("/hello", "name=Ada"), ("200 OK", b"hello Ada\n"))

    def test_an_unknown_page_is_404(self):
        self.assertEqual(get("/nowhere")[0], "404 Not Found")


if __name__ == "__main__":
    unittest.main()
