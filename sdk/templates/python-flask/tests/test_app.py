"""The app through Flask's own client. Skipped where Flask is not installed."""

import unittest

try:
    from app import app
except ModuleNotFoundError as missing:
    raise unittest.SkipTest(f"{missing}: pip install -r requirements.txt") from missing


class Wishes(unittest.TestCase):
    def setUp(self):
        self.client = app.test_client()

    def test_a_wish_is_kept_in_the_session(self):
        page = self.client.post("/", data={"text": "A <boat>"}, follow_redirects=True).text
        self.assertIn("<li>A &lt;boat&gt;</li>", page)
        self.assertIn("Noted: A &lt;boat&gt;", page)
        self.assertIn("None yet.", app.test_client().get("/").text)

    def test_an_empty_wish_is_not_kept(self):
        page = self.client.post("/", data={"text": " "}, follow_redirects=True).text
        self.assertIn("Please write something.", page)
        self.assertIn("None yet.", page)

    def test_links_begin_with_the_mount(self):
        page = self.client.get("/", environ_overrides={"SCRIPT_NAME": "/shop"}).text
        self.assertIn('href="/shop/static/app.css"', page)

    def test_files_streams_and_errors_are_answered(self):
        with self.client.get("/static/app.css") as style:
            self.assertEqual(style.mimetype, "text/css")
        self.assertTrue(self.client.get("/lines").text.endswith("line 5\n"))
        missing = self.client.get("/nowhere")
        self.assertEqual(missing.status_code, 404)
        self.assertIn("There is no such page here", missing.text)


if __name__ == "__main__":
    unittest.main()
