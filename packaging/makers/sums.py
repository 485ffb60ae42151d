"""SHA256SUMS of all that lies in dist/."""

import hashlib


def make(release):
    path = release.dist / "SHA256SUMS"
    files = sorted(file for file in release.dist.iterdir() if file.is_file() and file != path)
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    path.write_text("".join(lines))
    return path
