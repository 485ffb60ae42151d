"""What is packaged: a program, its version, and the machine it is for."""

import os
import platform
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# The first moment that a zip file can tell.
ZIP_BEGINS = 315532800


@dataclass(frozen=True)
class Arch:
    """A kind of machine, by the names that each format has for it."""

    target: str
    machine: int  # e_machine, in the head of an ELF file
    debian: str
    node: str
    python: str

    def runs_here(self):
        return platform.system() == "Linux" and platform.machine() == self.python


TARGETS = {
    arch.target: arch
    for arch in (
        Arch("x86_64-unknown-linux-gnu", 62, "amd64", "x64", "x86_64"),
        Arch("aarch64-unknown-linux-gnu", 183, "arm64", "arm64", "aarch64"),
    )
}


@dataclass(frozen=True)
class Release:
    """One program, and where its packages are made from and put."""

    root: Path
    program: Path
    arch: Arch
    version: str
    epoch: int
    dist: Path
    work: Path
    quick: bool

    @property
    def packaging(self):
        return self.root / "packaging"

    @property
    def level(self):
        """How hard is compressed."""
        return 1 if self.quick else 9

    def environment(self):
        """For tools that take their time from the environment."""
        return {**os.environ, "SOURCE_DATE_EPOCH": str(self.epoch), "LC_ALL": "C.UTF-8"}

    def run(self, *command, **options):
        """Runs a tool to its end; its output is shown when it fails."""
        ended = subprocess.run([str(word) for word in command], env=options.pop("env", self.environment()),
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
        if ended.returncode != 0:
            failed(f"`{' '.join(map(str, command))}` ended with {ended.returncode}:\n{ended.stdout}")
        return ended.stdout


def failed(why):
    sys.exit(f"error: {why}")


def native():
    """This machine's target."""
    for arch in TARGETS.values():
        if arch.runs_here():
            return arch.target
    failed(f"there are no packages for {platform.system()} on {platform.machine()}, only for {', '.join(TARGETS)}")


def arch_of(program):
    """The kind of machine that the head of an ELF file names."""
    try:
        with open(program, "rb") as file:
            head = file.read(20)
    except OSError as error:
        failed(f"cannot read the program: {error}")
    machine = int.from_bytes(head[18:20], "little")
    for arch in TARGETS.values():
        if head[:4] == b"\x7fELF" and machine == arch.machine:
            return arch
    failed(f"{program} is no program for any of {', '.join(TARGETS)}")


def version(root):
    """The version in Cargo.toml's `[workspace.package]`."""
    text = (root / "Cargo.toml").read_text()
    return re.search(r'^\[workspace\.package\]\n(?:[^\[]*\n)?version = "([^"]+)"', text, re.MULTILINE)[1]


def epoch(root):
    """The time that files are given: SOURCE_DATE_EPOCH, else that of the last commit."""
    if "SOURCE_DATE_EPOCH" in os.environ:
        return int(os.environ["SOURCE_DATE_EPOCH"])
    asked = subprocess.run(["git", "-C", str(root), "log", "-1", "--format=%ct"], capture_output=True, text=True)
    return int(asked.stdout) if asked.returncode == 0 and asked.stdout.strip() else ZIP_BEGINS
