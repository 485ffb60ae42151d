"""Under `guesthouse dev`, an exception that the app's framework caught and answered with 500 is shown to the author all the same.

Frameworks have pages of their own for it, which are left as they are; most show them only where they are asked to, and some have none.
"""

from guesthouse import failure
from guesthouse.raised import Raised

# A page is held back until it is known what it is; a longer one is no error page.
_HELD_BYTES_MAX = 256 * 1024
# Stands on every framework's own page of an exception: Django's, Werkzeug's, Starlette's, Bottle's.
_TRACEBACK = b"Traceback"


class Caught:
    """Calls a WSGI app, and looks at what it raises within."""

    def __init__(self):
        self.raised = Raised()
        self.raised.__enter__()

    def respond(self, app, env, response, send):
        """As the gateway does, but that an answer of 500 for a browser may become what was raised."""
        self.raised.forget()
        if not wants_page(env.get("HTTP_ACCEPT", "")):
            send(app(env, response.start_response), response)
            return
        result = app(env, response.start_response)
        if response.sent or not (response.status or "").startswith("500"):
            send(result, response)
            return
        held = Held(result)
        error = self.raised.deepest(failure.Root.path)
        if error is None or held.is_long or _TRACEBACK in held.start() or answers_itself(error):
            send(held, response)
            return
        held.close()
        text, fields = failure.answer(error)
        response.fail(text, fields)


class Held:
    """The blocks of a body, of which the first are there already."""

    def __init__(self, blocks):
        self._of = blocks
        self._blocks = iter(blocks)
        self._held, size = [], 0
        for block in self._blocks:
            self._held.append(block)
            size += len(block)
            if size > _HELD_BYTES_MAX:
                break
        self.is_long = size > _HELD_BYTES_MAX

    def start(self):
        return b"".join(self._held)

    def __iter__(self):
        yield from self._held
        yield from self._blocks

    def close(self):
        if hasattr(self._of, "close"):
            self._of.close()


def wants_page(accept):
    return "text/html" in accept.lower()


def answers_itself(error):
    """`abort(500)` and its like: the app means its answer."""
    return 500 in (getattr(error, "code", None), getattr(error, "status_code", None), getattr(error, "status_int", None))
