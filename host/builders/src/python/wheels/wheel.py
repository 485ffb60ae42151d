"""Looks into wheels and sources, for the builder. It runs in the tools' Python and prints JSON.

    wheel.py look WHEEL            the native files in a wheel: [[NAME, IS_WASM], …]
    wheel.py plain WHEEL FOLDER    the same wheel in FOLDER, tagged for every Python: its path
    wheel.py tagged WHEEL FOLDER   the same, tagged for the guest (PEP 816)
    wheel.py unpack SOURCE FOLDER  what a source is built with: {"requires": […], "cargo": BOOL, "folder": PATH}
    wheel.py headers FOUND GUEST TO    CPython's headers for the guest
"""

import base64
import glob
import hashlib
import json
import os
import re
import shutil
import sys
import tarfile
import zipfile

# Whatever a Python on some system loads.
NATIVE = (".so", ".pyd", ".dylib", ".dll")
# As the guest's Python looks for them; the Python that builds may have named them its own way.
SUFFIX = ".cpython-314-wasm32-wasi.so"
OTHERS = re.compile(r"(\.cpython-[^/]*|\.abi3)\.so$")
# PEP 517, for a source that does not say.
DEFAULT = ["setuptools", "wheel"]


def look(path):
    with zipfile.ZipFile(path) as wheel:
        found = [name for name in wheel.namelist() if name.endswith(NATIVE) or ".so." in os.path.basename(name)]
        return [[name, wheel.open(name).read(4) == b"\0asm"] for name in found]


def tagged(path, folder):
    """As pip and others are to know it."""
    return plain(path, folder, "cp314-cp314-wasi_0_0_0_wasm32")


def plain(path, folder, tag="py3-none-any"):
    """pip refuses what is tagged for another system, and what is in it is known by now."""
    parts = os.path.basename(path)[: -len(".whl")].split("-")
    parts[-3:] = tag.split("-")
    to = os.path.join(folder, "-".join(parts) + ".whl")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as new:
        changed = {}
        records = [name for name in old.namelist() if name.endswith(".dist-info/RECORD")]
        for item in old.infolist():
            if item.filename in records:
                continue
            data = old.read(item)
            if item.filename.endswith(".dist-info/WHEEL") and item.filename.count("/") == 1:
                lines = [line for line in data.decode().splitlines() if line and not line.startswith("Tag:")]
                data = ("\n".join(lines + ["Tag: " + tag]) + "\n").encode()
                changed[item.filename] = record(item.filename, data)
            name = item.filename
            if OTHERS.search(name) and data.startswith(b"\0asm"):
                name = OTHERS.sub(SUFFIX, name)
                changed[item.filename] = record(name, data)
            new.writestr(name, data)
        for name in records:
            lines = old.read(name).decode().splitlines()
            new.writestr(name, "\n".join(changed.get(line.split(",")[0], line) for line in lines) + "\n")
    return to


def record(name, data):
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return "%s,sha256=%s,%d" % (name, digest, len(data))


def unpack(source, folder):
    if os.path.isdir(source):
        to = os.path.join(folder, "source")
        shutil.copytree(source, to, symlinks=True)
    elif source.endswith(".zip"):
        with zipfile.ZipFile(source) as archive:
            archive.extractall(folder)
        to = top(folder)
    else:
        with tarfile.open(source) as archive:
            if hasattr(tarfile, "data_filter"):
                archive.extraction_filter = tarfile.data_filter
            archive.extractall(folder)
        to = top(folder)
    requires, settings = DEFAULT, {}
    try:
        from pip._vendor import tomli

        with open(os.path.join(to, "pyproject.toml"), "rb") as file:
            settings = tomli.load(file)
        requires = settings["build-system"]["requires"]
    except (OSError, KeyError, ValueError):
        pass
    names = [one.split(";")[0].strip().lower().replace("_", "-") for one in requires]
    cargo = any(name.startswith(("maturin", "setuptools-rust")) for name in names)
    return {"requires": requires, "cargo": cargo, "folder": to}


def top(folder):
    """A source's archive holds one folder (PEP 625)."""
    names = [name for name in os.listdir(folder) if os.path.isdir(os.path.join(folder, name))]
    return os.path.join(folder, names[0]) if len(names) == 1 else folder


def headers(found, guest, to):
    """CPython's headers, with a `pyconfig.h` that says what the guest's own `sysconfig` says."""
    values = {}
    with open(guest, encoding="utf-8") as file:
        exec(compile(file.read(), guest, "exec"), values)
    values = values["build_time_vars"]
    shutil.copytree(found, to)
    names = set()
    # Debian keeps what differs between machines beside them.
    for config in [os.path.join(found, "pyconfig.h"), *glob.glob(os.path.join(found, "..", "*", "python3.14", "pyconfig.h"))]:
        with open(config, encoding="utf-8") as file:
            names.update(re.findall(r"^\s*#\s*(?:undef|define)\s+(\w+)", file.read(), re.M))
    lines = ["#define %s %s" % (name, values[name]) for name in sorted(names) if values.get(name) not in (None, 0, "")]
    with open(os.path.join(to, "pyconfig.h"), "w", encoding="utf-8") as file:
        file.write("#ifndef Py_PYCONFIG_H\n#define Py_PYCONFIG_H\n%s\n#endif\n" % "\n".join(lines))
    return len(lines)


COMMANDS = {"look": look, "plain": plain, "tagged": tagged, "unpack": unpack, "headers": headers}

if __name__ == "__main__":
    json.dump(COMMANDS[sys.argv[1]](*sys.argv[2:]), sys.stdout)
