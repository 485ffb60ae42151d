"""What the component says before it serves: whether its app can start where it is."""

import sys

from componentize_py_types import Err

from guesthouse import failure
from guesthouse import records


def of(service):
    """The class that the component exports as `guesthouse:gateway/lifecycle`."""

    class Lifecycle:
        def health(self):
            try:
                service.try_out()
            except BaseException as error:
                if failure.live():
                    # `dev` tells it, on the page and in the terminal.
                    raise Err(failure.told(error)) from error
                records.write(sys.stderr, "ERROR", failure.trace(error))
                raise Err(failure.line_of(error, service.settings["roots"][0])) from error

    return Lifecycle

