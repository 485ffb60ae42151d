"""What the program needs of a system, from Debian's packages of the suites that this machine is set up for."""

import functools
import os
import shutil
import subprocess

from makers import staged, tools
from makers.release import failed

PACKAGES = ("ca-certificates", "libc6", "libgcc-s1")

# apt, for another machine than this one, and without touching what this one has.
APT = """\
APT::Architecture "{arch}";
APT::Architectures {{ "{arch}"; }};
APT::Sandbox::User "root";
Acquire::Languages "none";
Dir::State "{place}/state";
Dir::State::status "{place}/state/status";
Dir::Cache "{place}/cache";
"""


@functools.cache
def system(release):
    """A folder into which these packages are unpacked; their versions stand in `var/lib/dpkg/status.d`."""
    arch = release.arch.debian
    # A release has what Debian has mended meanwhile, a test what it has.
    with tools.made_once(f"debian-{arch}", anew=not release.quick) as place:
        if place:
            fetch(release, arch, place)
    return tools.folder() / f"debian-{arch}" / "system"


def fetch(release, arch, place):
    if shutil.which("apt-get") is None:
        failed("the base of the image is made of Debian's packages, by apt-get; --without image leaves it out")
    for folder in ("state/lists/partial", "cache/archives/partial", "packages", "system"):
        (place / folder).mkdir(parents=True)
    (place / "state/status").touch()
    (place / "apt.conf").write_text(APT.format(arch=arch, place=place))
    environment = {**os.environ, "APT_CONFIG": str(place / "apt.conf")}
    release.run("apt-get", "update", "--quiet", env=environment)
    release.run("apt-get", "download", "--quiet", *PACKAGES, env=environment, cwd=place / "packages")
    for package in sorted((place / "packages").glob("*.deb")):
        unpack(release, package, place / "system")
    authorities(place / "system")
    for folder in ("state", "cache"):
        shutil.rmtree(place / folder)


def unpack(release, package, system):
    release.run("dpkg-deb", "-x", package, system)
    about = subprocess.run(["dpkg-deb", "-f", package], check=True, capture_output=True, text=True).stdout
    # Where scanners look in images that have no package manager.
    staged.write(system / "var/lib/dpkg/status.d" / package.name.split("_")[0], about)


def authorities(system):
    """What `update-ca-certificates` makes of the package at its installation: all of them in one file."""
    certificates = sorted((system / "usr/share/ca-certificates").rglob("*.crt"))
    bundle = "".join(certificate.read_text() for certificate in certificates)
    staged.write(system / "etc/ssl/certs/ca-certificates.crt", bundle)
