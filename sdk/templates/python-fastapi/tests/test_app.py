"""The app through Starlette's own client. Skipped where FastAPI or httpx is not installed."""

import unittest

try:
    from app import app
    from fastapi.testclient import TestClient
except (ImportError, RuntimeError) as missing:
    raise unittest.SkipTest(f"{missing}: pip install -r requirements.txt httpx") from missing


class Parcels(unittest.TestCase):
    def setUp(self):
        self.client = TestClient(app)

    def test_a_parcel_has_a_price(self):
        answer = self.client.post("/parcels", json={"to": "Ada", "grams": 500})
        self.assertEqual((answer.status_code, answer.json()), (200, {"to": "Ada", "cents": 449}))

    def test_what_is_no_parcel_is_refused(self):
        refused = self.client.post("/parcels", json={"to": "", "grams": 0})
        self.assertEqual(refused.status_code, 422)
        self.assertEqual(len(refused.json()["detail"]), 2)

    def test_a_place_that_is_none_is_not_found(self):
        self.assertEqual(self.client.post("/parcels", json={"to": "nowhere", "grams": 1}).status_code, 404)

    def test_a_query_is_checked(self):
        self.assertEqual(self.client.get("/hello?name=Ada").json(), {"hello": "Ada"})
        self.assertEqual(self.client.get("/hello?name=" + "x" * 41).status_code, 422)


if __name__ == "__main__":
    unittest.main()
