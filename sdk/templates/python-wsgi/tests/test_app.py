"""The callable as a server calls it, under the standard library's own checker of PEP 3333."""

import io
import unittest
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

from app import application


def send(method, path, body=b""):
    """Calls the app once: the status, the fields, and the whole body."""
    environ = {"REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": ""}
    if body:
        environ["CONTENT_LENGTH"] = str(len(body))
        environ["CONTENT_TYPE"] = "application/x-www-form-urlencoded"
    environ["wsgi.input"] = io.BytesIO(body)
    setup_testing_defaults(environ)
    said = []

    def start_response(status, fields, exc_info=None):
        said[:] = [status, dict(fields)]
        return said.append

    answer = validator(application)(environ, start_response)
    try:
        content = b"".join(answer)
    finally:
        answer.close()
    return said[0], said[1], content.decode()


class App(unittest.TestCase):
    def test_visitors_see_their_own_request(self):
        status, fields, page = send("GET", "/")
        self.assertEqual(status, "200 OK")
        self.assertEqual(fields["Content-Length"], str(len(page.encode())))
        self.assertIn("<tr><th>REQUEST_METHOD<td>GET", page)

    def test_a_name_is_text_and_nothing_else(self):
        _, _, page = send("POST", "/", b"name=%3Cscript%3E")
        self.assertIn("Hello, &lt;script&gt;", page)

    def test_lines_come_one_after_the_other(self):
        self.assertEqual(send("GET", "/lines")[2].splitlines()[-1], "line 5")

    def test_what_is_not_there_is_told(self):
        self.assertEqual(send("GET", "/nowhere")[0], "404 Not Found")
        self.assertEqual(send("PUT", "/")[0], "405 Method Not Allowed")


if __name__ == "__main__":
    unittest.main()
