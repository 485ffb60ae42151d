#!/usr/bin/env python3
"""A compiler for packages that know nothing of the guest: zig compiles, its wasm-ld links. It is called `cc`, `c++` or `ar`."""

import os
import re
import subprocess
import sys

ZIG = os.environ["GUESTHOUSE_ZIG"]
HEADERS = os.environ.get("GUESTHOUSE_HEADERS")
ALL = [
    "-target", "wasm32-wasi", "-fPIC", "-Os", "-fno-sanitize=undefined", "-fvisibility=hidden", "-D__wasilibc_use_wasip2",
    "-D_WASI_EMULATED_SIGNAL", "-D_WASI_EMULATED_GETPID", "-D_WASI_EMULATED_PROCESS_CLOCKS", "-D_WASI_EMULATED_MMAN",
]
# The guest's libc++ is of another ABI than zig's.
CXX = ["-D_LIBCPP_ABI_VERSION=2", "-D_LIBCPP_ABI_NAMESPACE=__2", "-fno-exceptions"]
# Flags for the machine that builds.
DROPPED = {"-pthread", "-g", "-g0", "-g3", "-shared", "-bundle", "-flto", "-m64", "-m32", "-fno-plt", "-Werror", "-fexceptions"}
DROPPED_PREFIXES = ("--target", "-march=", "-mtune=", "-mcpu=", "-msse", "-mavx", "-fcf-protection", "-fstack-", "-flto=", "-Wl,",
                    "-specs=", "-ffat-lto", "-mmacosx", "-Werror=", "-DNDEBUG=")
WITH_VALUE = {"-arch", "-isysroot", "-target", "-undefined"}
SOURCE = re.compile(r"\.(c|cc|cpp|cxx|S)$")


def kept(args):
    skipped = False
    for arg in args:
        if skipped:
            skipped = False
        elif arg in WITH_VALUE:
            skipped = True
        elif arg in DROPPED or arg.startswith(DROPPED_PREFIXES):
            continue
        elif not re.match(r"-I.*/include/(.*/)?python\d", arg):
            # The headers of the Python that builds are others.
            yield arg


def compile_all(args, cxx):
    flags = ALL + (CXX if cxx or any(re.search(r"\.(cc|cpp|cxx)$", arg) for arg in args) else [])
    if HEADERS:
        flags = flags + ["-I" + HEADERS]
    return subprocess.call([ZIG, "c++" if cxx else "cc", *flags, *args])


def link(args, cxx):
    out = args[args.index("-o") + 1]
    objects = [arg for arg in args if arg.endswith((".o", ".a")) and arg != out]
    for source in [arg for arg in args if SOURCE.search(arg)]:
        objects.append(source + ".guest.o")
        flags = [arg for arg in args if arg.startswith(("-I", "-D", "-std"))]
        code = compile_all([*flags, "-c", source, "-o", objects[-1]], cxx)
        if code:
            return code
    name = os.path.basename(out).split(".")[0]
    return subprocess.call([
        ZIG, "wasm-ld", "--experimental-pic", "-shared", "--no-export-dynamic", "--gc-sections", "--strip-debug",
        "--export=PyInit_" + name, "--unresolved-symbols=import-dynamic", "-o", out, *objects,
    ])


if __name__ == "__main__":
    called, args = os.path.basename(sys.argv[0]), sys.argv[1:]
    if called == "ar":
        sys.exit(subprocess.call([ZIG, "ar", *args]))
    if "-shared" in args or "-bundle" in args:
        sys.exit(link(list(args), called == "c++"))
    sys.exit(compile_all(list(kept(args)), called == "c++"))
