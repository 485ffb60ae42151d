"""pip, resolving for the guest's Python instead of the one that runs it.

What pip would install depends on markers such as `sys_platform`, and on which wheels this machine could load. Here the
markers are the guest's, and a wheel for whatever machine counts: which packages belong together does not depend on what
can be loaded. The builder looks afterwards which of them are pure, so that no older version is taken in silence because it
is the last one without native code.

What was resolved is fetched by the same pip, from the place that it was found in and checked as its author wants it, and
kept for the builder: nobody asks an index for a name a second time. For a wheel that no guest can load it is the source of
the same version.

    pip_for_guest.py JOB install --dry-run --report REPORT …

JOB is a file: `{"files": FOLDER, "hashes": {NAME: [SHA256, …]}, "native": [NAME, …], "raised": {NAME: [SERIES, FIRST]}}`.
Files are kept in FOLDER and named in the report as `kept`; a file of a package with hashes must have one of them; the source
of what is known to be native is of no use; a version that is pinned before FIRST of its SERIES is one from FIRST on. FOLDER
also gets `indexes.json`, where the finder looked, and `raised.json`, which pins were others.
"""

import json
import os
import shutil
import sys

# The CPython within componentize-py.
VERSION = (3, 14, 0)

# PEP 508, as that CPython would answer.
MARKERS = {
    "implementation_name": "cpython",
    "implementation_version": "3.14.0",
    "os_name": "posix",
    "platform_machine": "wasm32",
    "platform_python_implementation": "CPython",
    "platform_release": "0.0.0",
    "platform_system": "wasi",
    "platform_version": "0.0.0",
    "python_full_version": "3.14.0",
    "python_version": "3.14",
    "sys_platform": "wasi",
}


def markers():
    """Requirements hold where the guest runs."""
    from pip._vendor.packaging import markers

    markers.default_environment = lambda: dict(MARKERS)


def target():
    """`Requires-Python` of what the index lists is about the guest's version."""
    from pip._internal.models.target_python import TargetPython

    real = TargetPython.__init__

    def init(self, platforms=None, py_version_info=None, abis=None, implementation=None):
        real(self, platforms or ["any"], py_version_info or VERSION, abis, implementation or "cp")

    TargetPython.__init__ = init


def wheels():
    """A wheel for any machine can be chosen, but after those that the guest can load."""
    from pip._internal.models.wheel import Wheel

    real = Wheel.find_most_preferred_tag

    def find_most_preferred_tag(self, tags, tag_to_priority):
        try:
            return real(self, tags, tag_to_priority)
        except ValueError:
            if is_wasi(self):
                # What was compiled for the guest comes first.
                return 0
            # After every wheel that the guest can load, before what must be built to be looked into.
            return len(tags) - 1

    Wheel.find_most_preferred_tag = find_most_preferred_tag
    Wheel.supported = lambda self, tags: True


def is_wasi(wheel):
    """Whether a wheel was compiled for the guest (PEP 816). `wheel` is pip's own record of a file's name."""
    return any(
        tag.platform.startswith("wasi_")
        and tag.platform.endswith("_wasm32")
        and (tag.interpreter == "cp314" or tag.abi == "abi3")
        for tag in wheel.file_tags
    )


def requires_python():
    """And so is that of what was chosen."""
    from pip._internal.resolution.resolvelib.candidates import RequiresPythonCandidate

    real = RequiresPythonCandidate.__init__
    RequiresPythonCandidate.__init__ = lambda self, py_version_info: real(self, VERSION)


def only_what_is_named():
    """A wheel that some pip has built on this machine is not the file that was named."""
    from pip._internal.cache import WheelCache

    WheelCache.get_cache_entry = lambda self, link, package_name, supported_tags: None


def failures():
    """An index that does not answer is told as such. pip passes over it, and says that there is no such package."""
    from pip._internal.index import collector

    def told(link, reason, meth=None):
        response = getattr(reason, "response", None)
        status = getattr(response, "status_code", None)
        if status != 404:
            said = "HTTP status %s" % status if status else " ".join(str(reason).split())
            print("guesthouse: no answer: %s: %s" % (link.redacted_url, said), file=sys.stderr)

    collector._handle_get_simple_fail = told


def raise_pins(table):
    """Requirements, wherever they stand, ask for a later release of the series if the guest's Python cannot run the pinned one."""
    from pip._internal.req.req_install import InstallRequirement
    from pip._vendor.packaging.specifiers import SpecifierSet
    from pip._vendor.packaging.utils import canonicalize_name
    from pip._vendor.packaging.version import InvalidVersion
    from pip._vendor.packaging.version import Version

    raised, real = set(), InstallRequirement.__init__

    def init(self, req, *args, **kwargs):
        series, first = table.get(canonicalize_name(req.name), (None, None)) if req is not None else (None, None)
        pins = list(req.specifier) if series is not None else []
        if len(pins) == 1 and pins[0].operator in ("==", "==="):
            try:
                pinned = Version(pins[0].version)
            except InvalidVersion:
                pinned = None
            if pinned is not None and (str(pinned) + ".").startswith(series + ".") and pinned < Version(first):
                raised.add((canonicalize_name(req.name), str(pins[0])))
                req.specifier = SpecifierSet("==%s.*,>=%s" % (series, first))
        real(self, req, *args, **kwargs)

    InstallRequirement.__init__ = init
    return raised


class Keeper:
    """Fetches and keeps what was chosen."""

    def __init__(self, job):
        from pip._internal.index.package_finder import PackageFinder
        from pip._internal.operations.prepare import RequirementPreparer
        from pip._internal.utils.hashes import Hashes

        self.files, self.native = job["files"], job["native"]
        self.hashes = {name: Hashes({"sha256": known}) for name, known in job["hashes"].items() if known}
        self.count, self.link = 0, None
        self.raised = raise_pins(job["raised"])
        prepare, evaluator = RequirementPreparer.__init__, PackageFinder.make_candidate_evaluator

        def init(preparer, *args, **kwargs):
            prepare(preparer, *args, **kwargs)
            self.preparer, self.finder = preparer, preparer.finder

        def make_candidate_evaluator(finder, project_name, specifier=None, hashes=None):
            known = self.of(project_name)
            if known is not None:
                hashes = (hashes or Hashes()) & known
            return evaluator(finder, project_name, specifier, hashes)

        RequirementPreparer.__init__ = init
        PackageFinder.make_candidate_evaluator = make_candidate_evaluator

    def of(self, name):
        from pip._vendor.packaging.utils import canonicalize_name

        return self.hashes.get(canonicalize_name(name))

    def install(self):
        """The report is written when all is chosen and nothing is installed yet."""
        from pip._internal.commands import install

        keeper = self

        class Report(install.InstallationReport):
            def to_dict(self):
                keeper.indexes()
                # What of a wheel was not fetched yet: only its metadata is needed to choose it.
                wanted = [one for one in self._install_requirements if not is_foreign(one)]
                keeper.preparer.prepare_linked_requirements_more(wanted)
                kept = {id(one): keeper.keep(one) for one in self._install_requirements}
                report = super().to_dict()
                for one, item in zip(self._install_requirements, report["install"]):
                    item["kept"] = kept[id(one)]
                return report

        install.InstallationReport = Report

    def indexes(self):
        finder = self.finder
        places = {
            "index_urls": list(finder.index_urls),
            "find_links": list(finder.find_links),
            "trusted_hosts": list(finder.trusted_hosts),
        }
        with open(os.path.join(self.files, "indexes.json"), "w", encoding="utf-8") as file:
            json.dump(places, file)
        with open(os.path.join(self.files, "raised.json"), "w", encoding="utf-8") as file:
            json.dump(sorted(self.raised), file)

    def keep(self, req):
        """What is to be installed or built, below the folder, and where it came from; nothing, if there is none."""
        if is_foreign(req):
            path, link = self.source(req), self.link
        elif req.link.subdirectory_fragment:
            path, link = req.source_dir, req.link
        else:
            path, link = req.local_file_path or req.source_dir, req.link
        if path is None:
            return None
        self.count += 1
        name = os.path.join(str(self.count), os.path.basename(path) if os.path.isfile(path) else "source")
        to = os.path.join(self.files, name)
        os.mkdir(os.path.dirname(to))
        if os.path.isfile(path):
            shutil.copyfile(path, to)
        else:
            shutil.copytree(path, to, symlinks=True)
        return {"path": name, "url": link.redacted_url.split("#")[0]}

    def source(self, req):
        """The source of the same version, from the same places, with a hash that is allowed."""
        from pip._internal.operations.prepare import get_file_url
        from pip._internal.operations.prepare import get_http_url
        from pip._vendor.packaging.utils import canonicalize_name
        from pip._vendor.packaging.version import Version

        name, version = canonicalize_name(req.metadata["name"]), Version(req.metadata["version"])
        # A wheel that was named by its address has no source beside it.
        if name in self.native or req.is_direct:
            return None
        # These are the author's. Where he gives any, those that the index tells do not count.
        allowed = req.hashes(trust_internet=False)
        if self.preparer.require_hashes and not allowed:
            return None
        for one in self.finder.find_all_candidates(name):
            self.link = link = one.link
            if link.is_wheel or one.version != version:
                continue
            if any(known and link.hash and not link.is_hash_allowed(known) for known in (allowed, self.of(name))):
                continue
            hashes = allowed or self.of(name) or link.as_hashes()
            if link.is_file:
                return get_file_url(link, hashes=hashes).path
            return get_http_url(link, self.preparer._download, hashes=hashes).path
        return None


def is_foreign(req):
    """Whether it is a wheel that no guest can load (PEP 427)."""
    from pip._internal.models.wheel import Wheel

    if not req.is_wheel:
        return False
    wheel = Wheel(req.link.filename)
    if req.link.filename.endswith("-none-any.whl"):
        # One for Python 2 alone is passed over for its source, as pip does.
        return not any(tag.interpreter.startswith(("py3", "cp3")) for tag in wheel.file_tags)
    return not is_wasi(wheel)


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        job = json.load(file)
    markers()
    target()
    wheels()
    requires_python()
    only_what_is_named()
    failures()
    Keeper(job).install()
    from pip._internal.cli.main import main

    sys.exit(main(sys.argv[2:]))
