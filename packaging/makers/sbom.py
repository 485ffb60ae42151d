"""A list of the crates that the program is made of, with their versions and licences (CycloneDX)."""

import shutil

from makers import staged, tools

# All that Cargo reads to know what the program is made of.
READ = ("Cargo.toml", "Cargo.lock", "host", "tests")


def make(release):
    # It writes a file beside each Cargo.toml of the workspace: in a copy, then.
    source = release.work / "source"
    source.mkdir()
    for name in READ:
        copy = shutil.copytree if (release.root / name).is_dir() else shutil.copyfile
        copy(release.root / name, source / name)
    cyclonedx = tools.cyclonedx()
    release.run(cyclonedx, "cyclonedx", "--quiet", "--manifest-path", source / "host/Cargo.toml", "--format", "json",
                "--spec-version", "1.5", "--target", release.arch.target, "--no-build-deps", "--override-filename", "sbom",
                cwd=release.root)
    # Crates of ours are named by where they lie.
    text = (source / "host/sbom.json").read_text().replace(f"file://{source}", "file://")
    made = release.dist / f"guesthouse-{release.version}-{release.arch.target}.cdx.json"
    staged.write(made, text)
    return [made]
