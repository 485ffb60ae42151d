"""Files put in their places, with the rights that they have there."""

import shutil


def put(source, target, mode=0o644):
    """Copies a file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(mode)


def write(target, text, mode=0o644):
    """Writes a file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(text, str):
        text = text.encode()
    target.write_bytes(text)
    target.chmod(mode)


def settle(folder):
    """Folders have the rights of folders, whatever the umask of who makes them."""
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
