"""The directory of a multi-part append-only file: its manifest, and where its parts are (Redis 7.2 aof.c)."""

from __future__ import annotations

from typing import Final

from pyredmem.base.files import Files
from pyredmem.engine.core import Core
from pyredmem.persistence.aof_manifest import AofFile, Manifest, manifest_name, parse
from pyredmem.persistence.dataset_file import remove_quietly

#: How much of a file is read at a time (bytes).
_PIECE: Final = 1 << 16


class AofParts:
    """The parts of the append-only file of one engine. Methods that touch files raise OSError."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.manifest = Manifest()  # as it is on the disk

    @property
    def files(self) -> Files:
        """The files of the server."""
        return self._core.host.files()

    def name(self) -> str:
        """The name that all names of parts begin with."""
        return self._core.settings.text("appendfilename")

    def directory(self) -> str:
        """The directory that the parts are in."""
        return self._core.settings.text("appenddirname")

    def path(self, name: str) -> str:
        """The path of a part, or of another file in the directory."""
        return f"{self.directory()}/{name}"

    # The manifest.

    def read_manifest(self) -> None:
        """Read what parts there are. Raises ManifestError."""
        path = self.path(manifest_name(self.name()))
        self.manifest = parse(self.read(path)) if self.files.exists(path) else Manifest()

    def read(self, path: str) -> bytes:
        """The content of a small file."""
        file = self.files.open(path)
        try:
            pieces: list[bytes] = []
            while piece := file.read(_PIECE):
                pieces.append(piece)
            return b"".join(pieces)
        finally:
            file.close()

    def size(self, part: AofFile) -> int:
        """How large a part is (bytes)."""
        return self.files.size(self.path(part.name))

    def write_manifest(self, manifest: Manifest) -> None:
        """Replace the manifest, at once or not at all."""
        files = self.files
        name = manifest_name(self.name())
        temporary = self.path(f"temp-{name}")
        file = files.create(temporary)
        try:
            file.write(manifest.text())
            file.sync()
        finally:
            file.close()
        files.rename(temporary, self.path(name))
        files.sync_directory(self.directory())
        self.manifest = manifest

    def make_directory(self) -> None:
        """Create the directory if it is missing."""
        if not self.files.exists(self.directory()):
            self.files.make_directory(self.directory())
            self.files.sync_directory(".")

    # A single file of a version before 7.0.

    def adopt_old_file(self) -> None:
        """Make the single append-only file of an old version the first base, if there is one that is to be loaded."""
        name = self.name()
        if not self.files.exists(name) or not self._awaits_old_file():
            return
        self.make_directory()
        manifest = self.manifest
        if manifest.is_empty():
            manifest = Manifest()
            manifest.adopt_base(name)
            self.write_manifest(manifest)
        self.files.rename(name, self.path(name))
        self.files.sync_directory(".")
        self._core.host.log(
            "notice",
            f"Successfully migrated an old-style AOF configuration ({name}) into the AOF directory "
            f"({self.directory()}).",
        )

    def _awaits_old_file(self) -> bool:
        """Whether nothing else is to be loaded, or whether this was begun before, and the server ended then."""
        if self.manifest.is_empty():
            return not self.files.exists(self.path(manifest_name(self.name())))
        base = self.manifest.base
        is_alone = base is not None and base.name == self.name() and not self.manifest.increments
        return is_alone and not self.files.exists(self.path(self.name()))

    # The past.

    def delete_history(self) -> None:
        """Delete the parts that a rewrite has replaced, unless the settings keep them."""
        if not self.manifest.history or self._core.settings.flag("aof-disable-auto-gc"):
            return
        manifest = self.manifest.copy()
        for part in manifest.history:
            remove_quietly(self.files, self.path(part.name))
        manifest.drop_history()
        self.write_manifest(manifest)
