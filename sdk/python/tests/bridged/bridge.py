"""The way out, with a stand-in for `_ssl`. Importing this changes `socket` for good."""

import sys

from guesthouse import standin

# Before anybody imports `ssl`, which is built on it. The host has the machine's own.
assert "ssl" not in sys.modules
import ssl as real  # noqa: E402

del sys.modules["ssl"], sys.modules["_ssl"]
sys.path.insert(0, standin.FOLDER)
import _ssl  # noqa: E402

sys.path.remove(standin.FOLDER)
assert _ssl.__file__.startswith(standin.FOLDER)

from tests.fakes import generated  # noqa: E402

generated.install()

from tests.fakes import tls  # noqa: E402

tls.Trusted.ssl = real

from guesthouse import network  # noqa: E402
from guesthouse.outbound import install  # noqa: E402

install.install()
network.install()
network.open_up()
