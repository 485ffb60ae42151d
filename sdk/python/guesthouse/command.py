"""Commands of the app, such as `manage.py migrate`, run inside of this interpreter."""

import contextlib
import io
import os
import runpy
import shlex
import sys
import traceback
import types

# Of what a command prints, this much of its end is kept.
_OUTPUT_CHARACTERS = 4000


def may_fail(command):
    """A command without the `-` that says it may fail, as in a makefile, and whether it had one."""
    words = shlex.split(command) if isinstance(command, str) else list(command)
    if words and words[0].startswith("-") and words[0] != "-m":
        return [words[0][1:], *words[1:]], True
    return words, False


def run(command, root="/0"):
    """Runs one command, and says how it ended."""
    words = shlex.split(command) if isinstance(command, str) else list(command)
    said = io.StringIO()
    before = sys.argv, sys.modules.get("__main__")
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code = end(words, root)
        finally:
            sys.argv = before[0]
            if before[1] is not None:
                sys.modules["__main__"] = before[1]
    return {"command": words, "code": code, "output": said.getvalue()[-_OUTPUT_CHARACTERS:]}


def end(words, root):
    """Runs one command to its end, and says its exit code, as the interpreter would."""
    try:
        start(words, root)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def start(words, root):
    """`file.py`, `-m module`, `-c code`, or a script of a package (`flask`); a leading `python` is nothing."""
    if words and os.path.basename(words[0]) in ("python", "python3"):
        words = words[1:] or ["-c", interactive() if sys.stdin.isatty() else sys.stdin.read()]
    if not words:
        raise ValueError("an empty command")
    if words[0] == "-m":
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=False)
        return
    if words[0] == "-c":
        sys.argv = ["-c", *words[2:]]
        execute(compile(words[1], "<string>", "exec", dont_inherit=True))
        return
    sys.argv = words
    path = os.path.join(root, words[0])
    if not os.path.isfile(path) and (script := script_of_a_package(words[0])):
        sys.exit(script())
    with open(path, encoding="utf-8") as opened:
        code = compile(opened.read(), path, "exec", dont_inherit=True)
    execute(code, path)


def interactive():
    return "import code; code.interact(exitmsg='')"


def execute(code, path=None):
    main = types.ModuleType("__main__")
    if path is not None:
        main.__file__ = path
    sys.modules["__main__"] = main
    exec(code, main.__dict__)


def script_of_a_package(name):
    """What an installed package declares as `console_scripts` (the entry points of PyPA's specifications)."""
    from importlib import metadata

    for script in metadata.entry_points(group="console_scripts", name=os.path.basename(name)):
        return script.load()
    return None
