"""pip, resolving for the guest's Python instead of the one that runs it.

What pip would install depends on markers such as `sys_platform`, and on which wheels this machine could load. Here the
markers are the guest's, and a wheel for whatever machine counts: which packages belong together does not depend on what
can be loaded. The builder looks afterwards which of them are pure, so that no older version is taken in silence because it
is the last one without native code.
"""

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
            # After every wheel that the guest can load, before what must be built to be looked into.
            return len(tags) - 1

    Wheel.find_most_preferred_tag = find_most_preferred_tag
    Wheel.supported = lambda self, tags: True


def requires_python():
    """And so is that of what was chosen."""
    from pip._internal.resolution.resolvelib.candidates import RequiresPythonCandidate

    real = RequiresPythonCandidate.__init__
    RequiresPythonCandidate.__init__ = lambda self, py_version_info: real(self, VERSION)


if __name__ == "__main__":
    markers()
    target()
    wheels()
    requires_python()
    from pip._internal.cli.main import main

    sys.exit(main())
