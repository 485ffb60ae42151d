"""The entry of a component: builds it when it is imported, and answers requests afterwards."""

import os
import sys
import traceback

from guesthouse import beside
from guesthouse import chance
from guesthouse import command
from guesthouse import declared
from guesthouse import failure
from guesthouse import finalizers
from guesthouse import hashing
from guesthouse import health
from guesthouse import layout
from guesthouse import logfiles
from guesthouse import network
from guesthouse import older
from guesthouse import pools
from guesthouse import preload
from guesthouse import run
from guesthouse import seal
from guesthouse import servers
from guesthouse import sqlite
from guesthouse import standin
from guesthouse import stood_in
from guesthouse import sysnames
from guesthouse import templates
from guesthouse import threads
from guesthouse import warm
from guesthouse.bundle import collect
from guesthouse.bundle import imports
from guesthouse.bundle import library
from guesthouse.bundle import replace
from guesthouse.bundle.store import STORE
from guesthouse.observe import Observer
from guesthouse.outbound import install as outbound
from guesthouse.report import Report
from guesthouse.service import Service
from guesthouse.settings import Refused
from guesthouse.settings import completed

# Where the SDK and the generated bindings lie: what of them was not imported is bundled too.
_OWN_ROOTS = ("/1/guesthouse", "/world", "/bundled")
# Free memory that is overwritten. More makes the heap grow for it: measured on Flask and Django, the component grows too.
_SCRUB_BYTES = 2 * 1024 * 1024


def exports(given):
    """The classes that the component exports. All of the build happens in here; its report is written in any case."""
    report = Report(given.get("entry") or "/3")
    try:
        settings = completed(given)
        service = build(settings, report)
    except Refused as error:
        report["refused"] = str(error)
        raise
    except BaseException as error:
        report["refused"] = report["refused"] or "the build failed: %s" % describe(error)
        report["traceback"] = traceback.format_exc()
        raise
    finally:
        report.write()

    class IncomingHandler:
        def handle(self, request, response_out):
            service.serve(request, response_out)

    return IncomingHandler, health.of(service), run.of(service)


def describe(error):
    text = str(error)
    if fields := failure.fields_of(error):
        text = text.partition("\n")[0] + fields
    return "%s: %s" % (type(error).__name__, text) if text else type(error).__name__


def use_loop(_module):
    """asyncio is there: late, for most WSGI apps never ask for it."""
    from guesthouse.asgi import loop

    loop.use()


def build(settings, report):
    before, environment = seal.descriptors(), dict(os.environ)
    root = settings["roots"][0]
    if os.path.isdir(root):
        layout.begin(settings)
    time = settings["time"]
    STORE.seconds = collect.newest(root) if time is None else int(time)
    STORE.rehearsed = (*settings["roots"], settings["library"])
    replace.install()
    outbound.install()
    network.install()
    standin.install()
    stood_in.install()
    older.install(settings["roots"])
    sysnames.install()
    hashing.install()
    finalizers.install()
    changed = {"asyncio": use_loop, "logging": logfiles.change_logging, "multiprocessing.pool": pools.change}
    changed.update(servers.changes(report))
    changed.update(older.changes())
    changed.update(stood_in.changes())
    changed.update(sqlite.changes())
    changed.update(declared.changes())
    threads.install(changed, root)
    found_by_name()
    observer = Observer(root, settings["library"])
    service = Service(settings)
    observer.begin()
    try:
        there = beside.names(root) if settings["run"] else set()
        for words in settings["run"]:
            words, may_fail = command.may_fail(words)
            ran = command.run(words, layout.home(settings))
            report["ran"].append(ran)
            if ran["code"] and may_fail:
                report.warn("`%s` ended with %d: %s" % (" ".join(words), ran["code"], last_line(ran["output"])))
            elif ran["code"]:
                raise Refused(
                    "`%s` ended with %d: %s" % (" ".join(ran["command"]), ran["code"], last_line(ran["output"]))
                )
        report["collected"] = beside.new(root, there) if settings["run"] else []
        if settings["snapshot"] == "libraries" and (ran := own_modules(root)):
            raise Refused(
                "a command of `run` imports `%s`, which an instance is to import itself, with its own environment: leave the "
                "command out, or keep the app in the snapshot (`snapshot = \"app\"`)" % ran[0]
            )
        if settings["snapshot"] == "app":
            there = beside.names(root)
            try:
                import_app(settings, service, report, there)
            finally:
                report["written"] = beside.new(root, there)
        else:
            report["interface"] = settings["interface"]
            preload.preload(root, settings["exclude"], report, layout.folders(settings))
            gather(settings)
    finally:
        observer.end()
        for one in dict.fromkeys(threads.State.begun):
            report.warn(
                "the thread %s was started while the app was imported, and does not run: there are no threads in a guest" % one
            )
        # What the app set itself it does not expect from outside.
        report["environment"] = [one for one in observer.environment if one["name"] not in set_by_app(environment)]
    for file, line in observer.baked_randomness:
        report.warn(
            "%s, line %d draws random bytes while it is imported: they are the same in every instance, and in the file; "
            "take a secret from the environment" % (file, line)
        )
    finish(settings, report, service, observer, before, environment)
    return service


def set_by_app(before):
    return {name: value for name, value in os.environ.items() if before.get(name) != value}


def own_modules(root):
    """The app's own modules among those that were imported, by name."""
    files = ((name, getattr(module, "__file__", None) or "") for name, module in list(sys.modules.items()))
    return sorted(name for name, file in files if file.startswith(root + "/") and name != "__main__")


def found_by_name():
    """What is looked up by its name at run time, and better in memory than unpacked by each instance."""
    import encodings.ascii
    import encodings.idna
    import encodings.latin_1
    import encodings.punycode
    import encodings.utf_8_sig
    import linecache
    import mimetypes

    assert encodings and linecache
    mimetypes.init()


def import_app(settings, service, report, there):
    try:
        service.load()
    except Refused:
        raise
    except BaseException as error:
        report["traceback"] = traceback.format_exc()
        raise Refused("`%s` cannot be imported: %s" % (settings["app"], describe(error))) from error
    report["interface"] = service.interface
    report["made"] = beside.new(settings["roots"][0], there)
    # Before the warm-up: what that writes is not of the app.
    gather(settings)
    report["stage"] = "warm"
    # A guest that traps says nothing any more.
    report.write()
    warm.exercise(service.gateway, service.interface)
    report["warm"] = warm.warm(service.gateway, settings["warm"], settings["roots"][0])
    report["templates"] = templates.compile_all(settings["roots"][0])
    for one in filter(warm.failed, report["warm"]):
        status = "no answer" if one["status"] is None else "status %d" % one["status"]
        report.warn(
            "warm-up %s %s: %s: %s; the app is built without it (`[build]` `warm` names other requests, or none)"
            % (one["method"], one["path"], status, one["raised"] or last_line(one["error"]))
        )
    report["stage"] = "seal"


def gather(settings):
    """Takes in the files of the app, of its packages and of the SDK."""
    roots = settings["roots"]
    for index, root in enumerate((*roots, *_OWN_ROOTS)):
        if os.path.isdir(root):
            STORE.add_folders(root)
            collect.collect(root, settings["exclude"] if index < len(roots) else (), index > 0)


def last_line(text):
    lines = (text or "").strip().splitlines()
    return lines[-1] if lines else "nothing was said"


def finish(settings, report, service, observer, before, environment):
    """Bundles, and closes the lid."""
    roots = settings["roots"]
    collect.forget_imported()
    library.add(settings["stdlib"], settings["library"])
    seal.close_connections()
    logfiles.close_all()
    seal.forget_temporary((*roots, settings["entry"]))
    report["leaked"] = seal.leaked(before, roots)
    if report["leaked"]:
        raise Refused(
            "the app keeps open what an instance would not have any more: %s; open it when a request needs it, or leave out the warm-up that does"
            % ", ".join(report["leaked"])
        )
    service.keep(set_by_app(environment), chance.generators(observer.seeded))
    for generator in observer.seeded:
        if type(generator).__module__ == "random":
            report.warn(
                "a `random.Random` was given a seed while the app was imported: its numbers are the same everywhere"
            )
            break
    report["modules"], report["module_bytes"] = len(STORE.code), sum(map(len, STORE.code.values()))
    report["files"] = len(STORE.files)
    report["file_bytes"] = sum(len(data) for _, data, _, _ in STORE.files.values())
    STORE.roots = (*roots, *_OWN_ROOTS, settings["library"])
    STORE.live = None
    STORE.sealed = True
    imports.install(settings["snapshot"] == "libraries")
    # A source that is mounted over the snapshot is its author's: nothing is left behind in it.
    sys.dont_write_bytecode = True
    sys.argv = [settings["app"]]
    network.open_up()
    threads.seal()
    seal.close_up(_SCRUB_BYTES)
