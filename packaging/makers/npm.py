"""Packages for npm: `guesthouse`, which starts what the package for this machine brings (the layout of esbuild and Biome)."""

import json

from makers import archive, staged
from makers.documents import LICENCES
from makers.release import TARGETS


def make(release):
    return [program(release), starter(release)]


def common(release, name):
    return {
        "name": name,
        "version": release.version,
        "description": "Serves WebAssembly apps dropped into a folder",
        "license": "MIT OR Apache-2.0",
        "engines": {"node": ">=18"},
    }


def program(release):
    """The program, for one kind of machine; npm leaves those of others out."""
    node = release.arch.node
    about = common(release, f"@guesthouse/linux-{node}")
    about |= {"os": ["linux"], "cpu": [node], "libc": ["glibc"], "preferUnplugged": True}
    folder = release.work / "npm" / node
    staged.put(release.program, folder / "bin/guesthouse", 0o755)
    return packed(release, folder, about, f"guesthouse-linux-{node}")


def starter(release):
    """The package that users name."""
    about = common(release, "guesthouse")
    about["bin"] = {"guesthouse": "bin/guesthouse.js"}
    about["optionalDependencies"] = {f"@guesthouse/linux-{arch.node}": release.version for arch in TARGETS.values()}
    folder = release.work / "npm" / "guesthouse"
    staged.put(release.packaging / "npm/guesthouse.js", folder / "bin/guesthouse.js", 0o755)
    return packed(release, folder, about, "guesthouse")


def packed(release, folder, about, name):
    """What `npm pack` makes, with the times of the release, and without npm."""
    staged.write(folder / "package.json", json.dumps(about, indent=2) + "\n")
    staged.put(release.packaging / "README.package.md", folder / "README.md")
    for licence in LICENCES:
        staged.put(release.root / licence, folder / licence)
    staged.settle(folder)
    made = release.dist / f"{name}-{release.version}.tgz"
    with archive.gzipped(made, release.level) as file:
        archive.tar(folder, file, release.epoch, "package/")
    return made
