"""Records for the host's log: a text of several lines that is one record there, and has a level.

All that a component has for it is standard error. A record begins with the control character RS, its level and a space, and ends
with GS before the end of its last line (ASCII's record and group separators): a host that does not know them shows nothing of them.
"""

import sys

from guesthouse import failure

_BEGIN, _END = "\x1e", "\x1d"
_TAKEN_OUT = {ord(_BEGIN): None, ord(_END): None}


class State:
    """Whether a host reads what is written: not at the build, and not where a command writes for a person."""

    on = False


def write(stream, level, text):
    """Writes one record: "ERROR", "WARNING" or "INFO"."""
    text = failure.on_disk(text.rstrip("\n").translate(_TAKEN_OUT))
    stream.write("%s%s %s%s\n" % (_BEGIN, level, text, _END) if State.on else text + "\n")
    stream.flush()


def change_logging(module):
    """What `logging` writes to standard error or output keeps its level, and its traceback stays with it."""
    real = module.StreamHandler.emit

    def emit(handler, record):
        # A stand-in for the stream, as Flask has it, is equal to it.
        if not State.on or not (handler.stream == sys.stderr or handler.stream == sys.stdout):
            real(handler, record)
            return
        try:
            write(handler.stream, level_of(module, record.levelno), handler.format(record))
        except RecursionError:
            raise
        except Exception:
            handler.handleError(record)

    module.StreamHandler.emit = emit


def level_of(module, number):
    if number >= module.ERROR:
        return "ERROR"
    return "WARNING" if number >= module.WARNING else "INFO"
