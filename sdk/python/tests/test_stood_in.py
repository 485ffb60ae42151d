"""Packages that cannot be in a guest: all of them can be imported, and their use fails with a sentence."""

import importlib
import os
import sys
import tempfile
import unittest
from unittest import mock

from guesthouse import stood_in

WHY = "Pillow is not in this guest: it needs libjpeg"
PACKAGE = "from guesthouse.stood_in import stand_in\n\nstand_in(__name__, '12.0', %r)\n" % WHY
APP = """
import enum
from abc import ABC
from typing import Optional

import absent_images
import absent_images.Filters
from absent_images import Image, ImageOps
from absent_images.Image import Resampling, UnidentifiedImageError
from absent_images.exceptions import Unsupported
from absent_images.Filters import Blur as blur


class Picture(Image.Image, ABC):
    kind: Optional[Image.Image] = None


class Kind(enum.Enum):
    FAST = ImageOps.FAST
    GOOD = 1


LANCZOS = Image.Resampling.LANCZOS
BACKEND = Image.default_backend("x")
UNION = Image.Image | None


def opened(path):
    try:
        return Image.open(path)
    except (UnidentifiedImageError, Unsupported, OSError):
        return None
"""


class StoodIn(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        os.mkdir(folder.name + "/absent_images")
        for name, text in (("absent_images/__init__.py", PACKAGE), ("absent_app.py", APP)):
            with open(folder.name + "/" + name, "w", encoding="utf-8") as opened:
                opened.write(text)
        sys.path.insert(0, folder.name)
        importlib.invalidate_caches()
        self.addCleanup(sys.path.remove, folder.name)
        self.addCleanup(self.forget, list(sys.meta_path))

    def forget(self, finders):
        sys.meta_path[:] = finders
        for name in [name for name in sys.modules if name.startswith("absent_")]:
            del sys.modules[name]

    def test_what_names_it_is_imported_and_what_uses_it_is_told_why_not(self):
        app = importlib.import_module("absent_app")
        with self.assertRaisesRegex(RuntimeError, "needs libjpeg: `absent_images.Image.open` cannot be used"):
            app.opened("x.png")
        for use in (lambda: app.Picture(1, a=2).save("x"), lambda: app.Image.Image().save("x")):
            with self.assertRaisesRegex(RuntimeError, "`absent_images.Image.Image.save` cannot be used"):
                use()
        with self.assertRaisesRegex(RuntimeError, "`absent_images.Image.Image` cannot be used"):
            list(app.Image.Image())
        self.assertIs(app.Resampling, app.Image.Resampling)
        self.assertIs(app.blur, app.absent_images.Filters.Blur)
        self.assertFalse(isinstance("x", app.Image.Image))
        self.assertEqual(app.absent_images.__version__, "12.0")
        self.assertFalse(hasattr(app.Picture, "objects"))
        with self.assertRaisesRegex(RuntimeError, "default_backend.draw` cannot be used"):
            app.BACKEND.draw()
        with self.assertRaisesRegex(RuntimeError, "default_backend` cannot be used"):
            app.Image.default_backend()
        with self.assertRaisesRegex(RuntimeError, "EXTENSION` cannot be used"):
            list(app.Image.EXTENSION)

    def test_a_library_that_does_without_it_does(self):
        stood_in.install()
        with mock.patch.dict(stood_in._TRIED, {"json.tool": "absent_images", "json.scanner": "surely_nothing"}):
            for name in ("json.tool", "json.scanner"):
                sys.modules.pop(name, None)
            with self.assertRaisesRegex(ImportError, "needs what is not in this guest"):
                importlib.import_module("json.tool")
            importlib.import_module("json.scanner")
