"""A Python wheel that brings the program: `pip install`, `uvx`."""

from makers import staged, tools
from makers.documents import LICENCES, man_pages
from makers.release import failed

METADATA = """\
Metadata-Version: 2.4
Name: guesthouse
Version: {version}
Summary: Serves WebAssembly apps dropped into a folder
License-Expression: MIT OR Apache-2.0
{licences}
Classifier: Environment :: Console
Classifier: Intended Audience :: Developers
Classifier: Operating System :: POSIX :: Linux
Classifier: Programming Language :: Rust
Classifier: Topic :: Internet :: WWW/HTTP :: HTTP Servers
Requires-Python: >=3.8
Description-Content-Type: text/markdown

{readme}"""

WHEEL = """\
Wheel-Version: 1.0
Generator: guesthouse packaging
Root-Is-Purelib: false
Tag: py3-none-linux_{machine}
"""


def make(release):
    folder = release.work / "wheel"
    data, about = (folder / f"guesthouse-{release.version}.{kind}" for kind in ("data", "dist-info"))
    staged.put(release.program, data / "scripts/guesthouse", 0o755)
    for page in man_pages(release):
        staged.put(page, data / "data/share/man/man1" / page.name)
    for licence in LICENCES:
        staged.put(release.root / licence, about / "licenses" / licence)
    readme = (release.packaging / "README.package.md").read_text()
    licences = "\n".join(f"License-File: {licence}" for licence in LICENCES)
    staged.write(about / "METADATA", METADATA.format(version=release.version, licences=licences, readme=readme))
    staged.write(about / "WHEEL", WHEEL.format(machine=release.arch.python))
    return [tagged(release, folder)]


def tagged(release, folder):
    """Packs the wheel, and names it after the oldest glibc whose symbols are all that the program needs."""
    python = tools.python(tools.WHEEL)
    environment = {**release.environment(), "PATH": f"{python}:{release.environment()['PATH']}"}
    release.run(python / "python", "-m", "wheel", "pack", folder, "--dest-dir", release.work, env=environment)
    plain = release.work / f"guesthouse-{release.version}-py3-none-linux_{release.arch.python}.whl"
    out = release.work / "tagged"
    level = ["--zip-compression-level", release.level]
    said = release.run(python / "auditwheel", "repair", plain, "--wheel-dir", out, *level, env=environment)
    made = list(out.glob("*.whl"))
    if len(made) != 1 or "manylinux" not in made[0].name:
        failed(f"auditwheel finds no version of glibc that the program runs with:\n{said}")
    for earlier in release.dist.glob(f"guesthouse-*-*_{release.arch.python}.whl"):
        earlier.unlink()
    target = release.dist / made[0].name
    staged.put(made[0], target)
    return target
