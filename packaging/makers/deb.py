"""A package for Debian and its children, made by dpkg-deb from a folder."""

import shutil
from datetime import datetime, timezone
from email.utils import format_datetime
from hashlib import md5
from os import environ, utime

from makers import archive, needed, staged
from makers.documents import man_pages
from makers.release import failed
from makers.tarball import UNITS

REVISION = 1
COMPLETIONS = {
    "bash/guesthouse": "bash-completion/completions/guesthouse",
    "zsh/_guesthouse": "zsh/vendor-completions/_guesthouse",
    "fish/guesthouse.fish": "fish/vendor_completions.d/guesthouse.fish",
}


def make(release):
    if shutil.which("dpkg-deb") is None:
        failed("a .deb is made by dpkg-deb (Debian and Fedora: package dpkg); --without deb leaves it out")
    folder = release.work / "deb"
    staged.put(release.program, folder / "usr/bin/guesthouse", 0o755)
    staged.put(release.packaging / "guesthouse.toml", folder / "etc/guesthouse.toml")
    units(release, folder)
    documents(release, folder)
    (folder / "var/lib/guesthouse").mkdir(parents=True)
    control(release, folder)
    staged.settle(folder)
    for path in [*folder.rglob("*"), folder]:
        utime(path, (release.epoch, release.epoch), follow_symlinks=False)
    made = release.dist / f"guesthouse_{release.version}-{REVISION}_{release.arch.debian}.deb"
    release.run("dpkg-deb", "--root-owner-group", "-Zxz", f"-z{0 if release.quick else 6}", "--build", folder, made)
    return [made]


def units(release, folder):
    """As they lie in packaging/, but for the place of the program, and the user that the package makes."""
    for unit in UNITS:
        text = (release.packaging / unit).read_text()
        text = text.replace("/usr/local/bin/", "/usr/bin/")
        text = text.replace("DynamicUser=yes\n", "User=guesthouse\nGroup=guesthouse\n")
        staged.write(folder / "usr/lib/systemd/system" / unit, text)


def documents(release, folder):
    share = folder / "usr/share"
    for page in man_pages(release):
        compressed(release, share / "man/man1" / f"{page.name}.gz", page.read_bytes())
    for source, target in COMPLETIONS.items():
        staged.put(release.work / "completions" / source, share / target)
    doc = share / "doc/guesthouse"
    for name in ("operating.md", "serving.md", "reference.md", "edge.md", "writing-guest-apps.md"):
        staged.put(release.root / "docs" / name, doc / name)
    staged.put(release.packaging / "debian/copyright", doc / "copyright")
    staged.put(release.packaging / "debian/lintian-overrides", share / "lintian/overrides/guesthouse")
    compressed(release, doc / "changelog.gz", (release.root / "CHANGELOG.md").read_bytes())
    compressed(release, doc / "changelog.Debian.gz", changelog(release).encode())


def compressed(release, target, content):
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.gzipped(target, 9) as file:
        file.write(content)
    target.chmod(0o644)


def maintainer():
    """Whoever makes packages says who they are, as for Debian's own tools."""
    return f"{environ.get('DEBFULLNAME', 'The Guesthouse authors')} <{environ.get('DEBEMAIL', 'guesthouse@example.org')}>"


def changelog(release):
    when = format_datetime(datetime.fromtimestamp(release.epoch, timezone.utc))
    return (f"guesthouse ({release.version}-{REVISION}) unstable; urgency=medium\n\n"
            f"  * Version {release.version}; changelog.gz says what is new.\n\n"
            f" -- {maintainer()}  {when}\n")


def control(release, folder):
    content = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    sums = "".join(f"{md5(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}\n" for path in content)
    about = folder / "DEBIAN"
    text = (release.packaging / "debian/control").read_text().format(
        version=f"{release.version}-{REVISION}", arch=release.arch.debian, maintainer=maintainer(),
        glibc=needed.glibc(release), size=sum(path.stat().st_size for path in content) // 1024)
    staged.write(about / "control", text)
    staged.write(about / "md5sums", sums)
    staged.write(about / "conffiles", "/etc/guesthouse.toml\n")
    for script in ("postinst", "prerm", "postrm"):
        staged.put(release.packaging / "debian" / script, about / script, 0o755)
