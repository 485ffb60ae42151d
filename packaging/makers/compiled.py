"""The program, built as it is shipped: for an old glibc, with Zig as the linker, or with this machine's own."""

import os
import platform
import subprocess
import sys

from makers import tools
from makers.release import TARGETS, failed

# Of 2018: Debian 10, RHEL 8, Ubuntu 18.10. Nothing that is still cared for is older.
GLIBC = "2.28"


def program(root, target):
    """Builds it, and returns where it lies."""
    environment = {**os.environ, "CARGO_TERM_COLOR": os.environ.get("CARGO_TERM_COLOR", "auto")}
    build = ["--profile", "dist", "--locked", "--package", "guesthouse", "--bin", "guesthouse"]
    folder = os.environ.get("CARGO_TARGET_DIR", root / "target")
    zig = tools.python(tools.ZIG)
    environment["PATH"] = f"{zig}:{environment['PATH']}"
    started = [zig / "cargo-zigbuild", "zigbuild", *build, "--target", f"{target}.{GLIBC}"]
    if subprocess.run(started, cwd=root, env=environment).returncode == 0:
        return root / folder / target / "dist/guesthouse"
    if not TARGETS[target].runs_here():
        failed(f"the build for {target} failed; `rustup target add {target}` brings the standard library that it needs")
    print(f"warning: the build for glibc {GLIBC} failed. This one is linked with the machine's own, "
          f"{' '.join(platform.libc_ver())}: it runs on no older system.", file=sys.stderr, flush=True)
    if subprocess.run(["cargo", "build", *build], cwd=root, env=environment).returncode != 0:
        failed("the build failed")
    return root / folder / "dist/guesthouse"


def strip(path):
    """Takes the symbols out of it."""
    ended = subprocess.run(["strip", "--strip-all", str(path)], capture_output=True, text=True)
    if ended.returncode != 0:
        failed(f"cannot strip the program: {ended.stderr}")
