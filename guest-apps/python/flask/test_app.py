"""python -m unittest, with Flask installed"""

import io
import unittest

from app import app


class Book(unittest.TestCase):
    def setUp(self):
        self.client = app.test_client()

    def test_who_signs_is_thanked_and_listed(self):
        page = self.client.post("/", data={"name": "Ada"}, follow_redirects=True).text
        self.assertIn("Thank you, Ada!", page)
        self.assertIn("<li>Ada</li>", page)

    def test_a_file_is_measured(self):
        answer = self.client.post("/upload", data={"file": (io.BytesIO(b"x" * 1000), "x.bin")}).json
        self.assertEqual((answer["name"], answer["bytes"]), ("x.bin", 1000))

    def test_an_unknown_page_is_explained(self):
        answer = self.client.get("/nowhere")
        self.assertEqual((answer.status_code, "no such page" in answer.text), (404, True))


if __name__ == "__main__":
    unittest.main()
