"""What the component says before it serves: whether its app can start where it is."""

import os
import sys
import traceback

from componentize_py_types import Err

from guesthouse import failure


def of(service):
    """The class that the component exports as `guesthouse:gateway/lifecycle`."""

    class Lifecycle:
        def health(self):
            # Whoever looks at his own source is shown what is wrong with it by the app's own pages.
            if os.environ.get(failure.LIVE):
                return
            try:
                service.try_out()
            except BaseException as error:
                traceback.print_exception(error, file=sys.stderr)
                sys.stderr.flush()
                raise Err(failure.line_of(error, service.settings["roots"][0])) from error

    return Lifecycle

