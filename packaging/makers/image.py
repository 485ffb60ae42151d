"""A container image as an OCI layout in a tar file, made by umoci: no engine, no root."""

import shutil
from datetime import datetime, timezone

from makers import archive, base, staged
from makers.documents import LICENCES
from makers.release import failed

# As in images of others that have no root.
USER = 65532
PASSWD = f"root:x:0:0:root:/:/sbin/nologin\nnonroot:x:{USER}:{USER}:nonroot:/state:/sbin/nologin\n"
GROUP = f"root:x:0:\nnonroot:x:{USER}:\n"

# Of the base: what a program that is linked already reads.
KEPT = ("etc/ssl/certs/ca-certificates.crt", "lib", "lib64", "usr/lib", "usr/share/doc", "var/lib/dpkg/status.d")
LEFT_OUT = ("gconv", "audit")

# The address that others reach is never loopback; path routes are on so that one port is enough (packaging/Containerfile).
CONFIG = {
    "user": [f"{USER}:{USER}"],
    "exposedports": ["8080/tcp"],
    "env": ["GUESTHOUSE_APPS=/apps", "GUESTHOUSE_STATE=/state", "GUESTHOUSE_LISTEN=*:8080", "GUESTHOUSE_PATH_ROUTES=on"],
    "entrypoint": ["/usr/bin/guesthouse"],
    "cmd": ["serve"],
    "volume": ["/state"],
    "stopsignal": ["SIGTERM"],
}


def make(release):
    if shutil.which("umoci") is None:
        failed("the image is made by umoci (Debian: apt-get install umoci); --without image leaves it out")
    layers = [("Debian's libraries and certificates", layer(release, "base", base_of), {}),
              (f"guesthouse {release.version}", layer(release, "program", program_of),
               {"apps": USER, "state": USER})]
    layout = release.work / "layout"
    tag = f"{layout}:guesthouse:{release.version}"  # as engines call it
    when = datetime.fromtimestamp(release.epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    release.run("umoci", "init", "--layout", layout)
    release.run("umoci", "new", "--image", tag)
    for what, folder, owners in layers:
        tar = folder.with_suffix(".tar")
        with open(tar, "wb") as file:
            archive.tar(folder, file, release.epoch, owners=owners)
        release.run("umoci", "raw", "add-layer", "--image", tag, "--history.created", when,
                    "--history.created_by", what, tar)
    configure(release, tag, when)
    release.run("umoci", "gc", "--layout", layout)
    staged.settle(layout)
    made = release.dist / f"guesthouse-{release.version}-linux-{release.arch.debian}.oci.tar"
    with open(made, "wb") as file:
        archive.tar(layout, file, release.epoch)
    return [made]


def configure(release, tag, when):
    options = [word for key, values in CONFIG.items() for value in values for word in (f"--config.{key}", value)]
    labels = {"org.opencontainers.image.title": "guesthouse", "org.opencontainers.image.version": release.version,
              "org.opencontainers.image.licenses": "MIT OR Apache-2.0"}
    for label in labels.items():
        options += ["--config.label", "=".join(label)]
    release.run("umoci", "config", "--image", tag, "--no-history", "--created", when, "--os", "linux",
                "--architecture", release.arch.debian, *options)


def layer(release, name, fill):
    folder = release.work / "image" / name
    folder.mkdir(parents=True)
    fill(release, folder)
    staged.settle(folder)
    if name == "program":
        (folder / "tmp").chmod(0o1777)
        (folder / "state").chmod(0o700)
    return folder


def base_of(release, folder):
    system = base.system(release)
    for kept in KEPT:
        source, target = system / kept, folder / kept
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT))
        elif source.exists():
            staged.put(source, target)
    staged.write(folder / "etc/passwd", PASSWD)
    staged.write(folder / "etc/group", GROUP)
    staged.write(folder / "etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")


def program_of(release, folder):
    staged.put(release.program, folder / "usr/bin/guesthouse", 0o755)
    for licence in LICENCES:
        staged.put(release.root / licence, folder / "usr/share/doc/guesthouse" / licence)
    for name in ("apps", "state", "tmp"):
        (folder / name).mkdir()
