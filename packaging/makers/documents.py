"""Man pages and completions, which the program writes itself."""

import shutil

from makers import base, staged
from makers.release import failed

# The name of the file in which each shell looks for the completions of `guesthouse`.
SHELLS = {"bash": "guesthouse", "zsh": "_guesthouse", "fish": "guesthouse.fish"}
LICENCES = ("LICENSE-APACHE", "LICENSE-MIT")


def write(release, by):
    """Puts them into the work folder: `man/*.1`, and `completions/<shell>/<file>`."""
    program = runner(release, by)
    release.run(*program, "man", release.work / "man")
    for shell, name in SHELLS.items():
        script = release.run(*program, "completions", shell)
        staged.write(release.work / "completions" / shell / name, script)


def runner(release, by):
    """What to start for a program that says the same: itself, under an emulator if need be."""
    if by:
        return [by.resolve()]
    if release.arch.runs_here():
        return [release.program]
    emulator = shutil.which(f"qemu-{release.arch.python}-static") or shutil.which(f"qemu-{release.arch.python}")
    if emulator is None:
        failed(f"a program for {release.arch.target} cannot write its man pages here: install qemu-user-static, or name "
               "one of the same version that runs here with --documents-by")
    return [emulator, "-L", base.system(release), release.program]


def man_pages(release):
    pages = sorted((release.work / "man").glob("*.1"))
    if not pages:
        failed("the program wrote no man pages")
    return pages
