"""What is bundled: code by its path, files by their path, and the folders that they lie in."""

import os
import zlib

# Below this a file is kept as it is: unpacking costs more than it saves.
_PACK_BYTES_MIN = 256


class Store:
    """Filled while a component is built, read ever after."""

    def __init__(self):
        # Path of a source → its code, marshalled and packed. Modules that were imported before the seal have none.
        self.code = {}
        # Path → (packed, bytes, size, fraction of the mtime in nanoseconds).
        self.files = {}
        # Path of a folder → {name: whether it is a folder}.
        self.folders = {}
        # Roots whose files show the same mtime at the build as they will in an instance: who compares the two finds no edit.
        self.rehearsed = ()
        # Seconds that every bundled file shows as its mtime.
        self.seconds = 315532800
        self.roots = ()
        self.sealed = False
        # The folder that relative paths begin at.
        self.home = "/"
        # Roots over which the host mounted a real folder; None: not looked at yet in this instance.
        self.live = None

    def add_folder(self, path):
        """A folder, and its place in the one above it."""
        if path in self.folders:
            return
        self.folders[path] = {}
        parent, name = os.path.split(path)
        if parent in self.folders and name:
            self.folders[parent][name] = True

    def add_folders(self, path):
        """A folder, and those above it."""
        if path != "/" and path not in self.folders:
            self.add_folders(os.path.dirname(path))
            self.add_folder(path)

    def add_name(self, path):
        parent, name = os.path.split(path)
        self.folders[parent][name] = False

    def add_file(self, path, data):
        self.add_name(path)
        size, check = len(data), zlib.crc32(data)
        packed = zlib.compress(data, 9) if size > _PACK_BYTES_MIN else data
        if len(packed) < size * 0.9:
            self.files[path] = (True, packed, size, check)
        else:
            self.files[path] = (False, data, size, check)

    def read(self, path):
        packed, data, _, _ = self.files[path]
        return zlib.decompress(data) if packed else data

    def holds(self, path):
        return path in self.files or path in self.folders

    def has_source(self, path):
        """Whether there is such a source, kept or not: it is in its folder's list then."""
        parent, name = os.path.split(path)
        return self.folders.get(parent, {}).get(name) is False

    def absolute(self, path):
        """A path as it is looked up, or None for what is no path."""
        if type(path) is not str:
            if isinstance(path, int):
                return None
            try:
                path = os.fspath(path)
            except TypeError:
                return None
            if isinstance(path, bytes):
                path = os.fsdecode(path)
        if not path.startswith("/"):
            path = self.home + "/" + path
        if "//" in path or "/." in path or path.endswith("/"):
            path = os.path.normpath(path)
        return path

    def root_of(self, path):
        for root in self.roots:
            if path == root or path.startswith(root + "/"):
                return root
        return None


STORE = Store()
