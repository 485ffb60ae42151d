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
    """Runs one command, and says how it ended. `-m module` and `file.py` are known; a leading `python` is nothing."""
    words = shlex.split(command) if isinstance(command, str) else list(command)
    said, code = io.StringIO(), 0
    before = sys.argv, sys.modules.get("__main__")
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            start(words, root)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
            if isinstance(end.code, str):
                print(end.code)
        except BaseException:
            code = 1
            traceback.print_exc()
        finally:
            sys.argv = before[0]
            if before[1] is not None:
                sys.modules["__main__"] = before[1]
    return {"command": words, "code": code, "output": said.getvalue()[-_OUTPUT_CHARACTERS:]}


def start(words, root):
    if words and os.path.basename(words[0]) in ("python", "python3"):
        words = words[1:]
    if not words:
        raise ValueError("an empty command")
    if words[0] == "-m":
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=False)
        return
    sys.argv = words
    path = os.path.join(root, words[0])
    with open(path, encoding="utf-8") as opened:
        code = compile(opened.read(), path, "exec", dont_inherit=True)
    main = types.ModuleType("__main__")
    main.__file__ = path
    sys.modules["__main__"] = main
    exec(code, main.__dict__)
