"""The one file that a bundle is: a zip that can be written in one way only.

Pure. Files are stored, in order of their names, without times or comments, so that the same files
give the same bytes, whatever packed them; what is not the archive of its own files is refused, and
with it every byte that no file accounts for.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Final

from runut.errors import BadInput

MAX_BYTES: Final = 1 << 30
"""Of an archive: what a case and the directory need is far less."""
_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)
_UNIX: Final = 3
_READABLE: Final = 0o100644 << 16


def pack(files: Mapping[str, bytes]) -> bytes:
    """The archive of these files, by name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            member = zipfile.ZipInfo(name, _LONG_AGO)
            member.create_system = _UNIX
            member.external_attr = _READABLE
            archive.writestr(member, files[name])
    return buffer.getvalue()


def unpack(data: bytes) -> dict[str, bytes]:
    """The files of an archive.

    Raises:
        BadInput: it is no zip, or not as `pack` would have written it.
    """
    if len(data) > MAX_BYTES:
        raise BadInput("bundle", f"at most {MAX_BYTES} bytes", "more")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _demand_stored(archive, len(data))
            files = {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, RuntimeError, OSError, ValueError, EOFError) as error:
        raise BadInput("bundle", "a zip of stored files", error) from None
    if pack(files) != data:
        raise BadInput("bundle", "the archive of its files and not a byte else", "another")
    return files


def _demand_stored(archive: zipfile.ZipFile, size: int) -> None:
    """That reading the files reads the archive once: none is packed, doubled or in another."""
    names, sizes = set[str](), 0
    for member in archive.infolist():
        if member.compress_type != zipfile.ZIP_STORED or member.file_size > MAX_BYTES:
            raise BadInput(f"{member.filename} in the bundle", "stored as it is", "compressed")
        if member.filename in names:
            raise BadInput(f"{member.filename} in the bundle", "once", "twice")
        names.add(member.filename)
        sizes += member.file_size
    if sizes > size:
        raise BadInput("files of the bundle", f"{size} bytes at most, as it has", sizes)
