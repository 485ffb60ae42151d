"""A tarball of everything, for whoever installs by hand."""

from makers import archive, staged
from makers.documents import LICENCES, SHELLS, man_pages

UNITS = ("guesthouse.service", "guesthouse.socket", "guesthouse-tls.socket")


def make(release):
    name = f"guesthouse-{release.version}-{release.arch.target}"
    folder = release.work / "tarball"
    staged.put(release.program, folder / "bin/guesthouse", 0o755)
    for page in man_pages(release):
        staged.put(page, folder / "share/man/man1" / page.name)
    for shell, file in SHELLS.items():
        staged.put(release.work / "completions" / shell / file, folder / "completions" / shell / file)
    for unit in UNITS:
        staged.put(release.packaging / unit, folder / "systemd" / unit)
    staged.put(release.packaging / "guesthouse.toml", folder / "guesthouse.toml")
    for file in (*LICENCES, "README.md", "CHANGELOG.md"):
        staged.put(release.root / file, folder / file)
    for document in sorted((release.root / "docs").glob("*.md")):
        staged.put(document, folder / "docs" / document.name)
    staged.settle(folder)
    made = release.dist / f"{name}.tar.gz"
    with archive.gzipped(made, release.level) as file:
        archive.tar(folder, file, release.epoch, f"{name}/")
    return [made]
