"""Making the compiled standard library: once for each version of the tool, not in each build."""

from guesthouse.bundle import library


def write(path, root=library.ROOT):
    """Compiles every module of the standard library into one file, for the setting `stdlib`.

    The entry module that calls this needs a class `IncomingHandler` with a method `handle`, which is never called.
    """
    library.save(path, library.compile_all(root))
