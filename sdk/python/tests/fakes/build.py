"""A whole build and the instances after it, in a process of its own: the seal changes too much of one.

As a script it takes one JSON text; `built` starts it.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile

from tests.fakes import generated

_HERE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Built:
    """What a build reported, and what its instance answered."""

    def __init__(self, report, replies, error):
        self.report = report
        self.replies = replies
        self.error = error


def built(
    files, requests=(), library=None, state=None, environment=None, source=False, instances=1, health=False, **settings
):
    """Builds an app of these files, and has instances of it answer the requests.

    `state` are files that the host mounts over the app's, `source` keeps the app's own there. With `health`, what an
    instance says of itself stands before its replies: `[None, TEXT]`, or nothing if it is well.
    """
    from tests.fakes.sealed import put

    folder = os.path.realpath(tempfile.mkdtemp())
    try:
        put(folder + "/app", files)
        put(folder + "/deps", library or {})
        os.makedirs(folder + "/entry")
        os.makedirs(folder + "/deps", exist_ok=True)
        settings = {
            "app": "app:app",
            "roots": [folder + "/app", folder + "/deps"],
            "library": os.path.dirname(os.__file__),
            "stdlib": folder + "/entry/stdlib.bundle",
            "entry": folder + "/entry",
            "data": folder + "/data",
            **settings,
        }
        order = {"settings": settings, "requests": list(requests), "state": state, "source": source}
        order["environment"], order["instances"], order["health"] = environment or {}, instances, health
        ran = subprocess.run(
            [sys.executable, "-m", "tests.fakes.build", json.dumps(order)],
            capture_output=True,
            text=True,
            cwd=_HERE,
            timeout=60,
        )
        with open(folder + "/entry/report.json", encoding="utf-8") as opened:
            report = json.load(opened)
        report = json.loads(json.dumps(report).replace(folder + "/app", "/0").replace(folder + "/deps", "/2"))
        replies = (
            [reply for line in ran.stdout.splitlines() for reply in json.loads(line)] if ran.returncode == 0 else []
        )
        return Built(report, replies, ran.stderr.replace(folder + "/app", "/0"))
    finally:
        shutil.rmtree(folder)


def main(order):
    generated.install()
    settings = order["settings"]
    sys.path[:0] = settings["roots"]
    from guesthouse.bundle import library

    library.save(settings["stdlib"], {})
    from guesthouse import entry

    # Overwriting free memory takes time, and is measured on components.
    entry._SCRUB_BYTES = 1 << 16
    if order["source"]:
        # As in the guest, whatever the environment of the tests says.
        from guesthouse import wsgi

        assert wsgi
        sys.dont_write_bytecode = False
    handler, lifecycle, _ = (export() for export in entry.exports(settings))
    from tests.fakes.sealed import put

    if not order["source"]:
        shutil.rmtree(settings["roots"][0])
    if order["state"] is not None:
        os.makedirs(settings["data"])
        put(settings["roots"][0], order["state"])
    shutil.rmtree(settings["roots"][1])
    os.environ.update(order["environment"])
    from tests.fakes.visit import visit

    class Exported:
        """The component's own handler in the place of a gateway."""

        def __init__(self, app):
            self.app = app

        def say_to(self, errors):
            sys.stderr = errors

        def serve(self, request, out):
            handler.handle(request, out)

    for _ in range(order["instances"]):
        # As instances do, each begins with the memory that the build left.
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            continue
        replies = []
        if order["health"]:
            try:
                lifecycle.health()
            except generated.Err as said:
                replies.append([None, said.value])
        for request in order["requests"]:
            reply = visit(None, gateway=Exported, **request)
            replies.append([reply.status, reply.body.decode("utf-8", "replace")])
        print(json.dumps(replies), flush=True)
        os._exit(0)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
