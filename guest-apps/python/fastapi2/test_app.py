"""The app through Starlette's own client. Skipped where FastAPI or httpx is not installed."""

import unittest

try:
    from app import app
    from fastapi.testclient import TestClient
except (ImportError, RuntimeError) as missing:
    raise unittest.SkipTest(f"{missing}: pip install -r requirements.txt httpx") from missing


class Library(unittest.TestCase):
    def setUp(self):
        self.client = TestClient(app)

    def test_a_right_body_is_taken_and_a_wrong_one_refused(self):
        taken = self.client.post("/books", json={"title": " Notes ", "pages": 3, "tags": ["A"]})
        self.assertEqual((taken.status_code, taken.json()["title"]), (201, "Notes"))
        self.assertEqual(self.client.post("/books", json={"title": "", "pages": 0}).status_code, 422)

    def test_books_are_found_and_missed(self):
        self.assertEqual(self.client.get("/books/1").json()["pages"], 65)
        self.assertEqual(self.client.get("/books/2").status_code, 404)
        self.assertEqual(self.client.get("/books?pages=100").json(), [])


if __name__ == "__main__":
    unittest.main()
