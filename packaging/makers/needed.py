"""What a program needs of the system: the libraries it names, and the newest version of glibc whose symbols it asks for."""

from makers import tools
from makers.release import failed

ASK = """
import sys
from elftools.elf.elffile import ELFFile
with open(sys.argv[1], "rb") as file:
    elf = ELFFile(file)
    print(*[tag.needed for tag in elf.get_section_by_name(".dynamic").iter_tags("DT_NEEDED")])
    needs = elf.get_section_by_name(".gnu.version_r")
    names = [aux.name for _, group in needs.iter_versions() for aux in group] if needs else []
    print(*names)
"""

# libc6 and libgcc-s1 have these, and a system without them has no program at all.
KNOWN = ("libc.so.6", "libm.so.6", "libgcc_s.so.1", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libutil.so.1",
         "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1")


def glibc(release):
    """The version, as in `2.28`."""
    said = release.run(tools.python(tools.WHEEL) / "python", "-c", ASK, release.program)
    libraries, versions = (line.split() for line in said.split("\n")[:2])
    unknown = [library for library in libraries if library not in KNOWN]
    if unknown:
        failed(f"the program needs {', '.join(unknown)}, which no package here brings or asks for")
    numbers = [name.removeprefix("GLIBC_").split(".") for name in versions if name.startswith("GLIBC_2.")]
    return ".".join(map(str, max(tuple(map(int, number)) for number in numbers)))
