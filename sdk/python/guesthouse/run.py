"""Commands that the operator runs in an instance of their own: `wasi:cli/run`, with its state and environment."""

import sys
import traceback

from componentize_py_types import Err
from wit_world.imports import environment

from guesthouse import command
from guesthouse.prepare import NotPrepared
from guesthouse.prepare import prepare


def of(service):
    """The class that the component exports as `wasi:cli/run`."""

    class Run:
        def run(self):
            settings = service.settings
            for stream in (sys.stdout, sys.stderr):
                stream.reconfigure(line_buffering=True)
            service.renew()
            try:
                prepare(settings, sys.stderr)
            except NotPrepared as error:
                # What is run may be what mends it.
                print("guesthouse: %s" % error, file=sys.stderr)
            code = command.end(environment.get_arguments(), settings["roots"][0])
            for stream in (sys.stdout, sys.stderr):
                try:
                    stream.flush()
                except OSError:
                    traceback.print_exc()
            if code:
                raise Err(None)

    return Run
