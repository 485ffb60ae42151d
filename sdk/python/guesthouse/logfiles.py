"""Log files of `logging`: none stays open in the snapshot, and one that cannot be opened goes to the app's log instead."""

import sys

from guesthouse import records

_said = set()


class ToLog:
    """In the place of a file that cannot be opened: what is written goes to standard error."""

    encoding = "utf-8"

    def write(self, text):
        return sys.stderr.write(text)

    def flush(self):
        sys.stderr.flush()

    def seek(self, *_):
        return 0

    def tell(self):
        # For handlers that begin a new file at a size: this one never has any.
        return 0

    def close(self):
        return None


def change_logging(module):
    real = module.FileHandler._open

    def open_or_log(handler):
        try:
            return real(handler)
        except OSError as error:
            path = handler.baseFilename
            if path not in _said:
                _said.add(path)
                reason = error.strerror or type(error).__name__
                text = "guesthouse: the log file `%s` cannot be opened (%s): its lines are here"
                print(text % (path, reason), file=sys.stderr)
            return ToLog()

    module.FileHandler._open = open_or_log
    records.change_logging(module)


def close_all():
    """To be called at the seal: a handler without a stream opens its file when it has a line for it."""
    _said.clear()
    logging = sys.modules.get("logging")
    if logging is None:
        return
    for reference in list(logging._handlerList):
        handler = reference()
        if isinstance(handler, logging.FileHandler) and handler.stream is not None:
            handler.stream.close()
            handler.stream = None
