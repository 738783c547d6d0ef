"""A small picture as a data URI (PNG, https://www.w3.org/TR/png/)."""

import struct
import zlib
from base64 import b64encode

from deepnet_cli.nn.types import Array

GREY, RGB = 0, 2
"""PNG's color types."""


def data_uri(pixels: Array) -> str:
    """Of bytes (h, w), grey, or (h, w, 3), red, green and blue."""
    height, width = pixels.shape[:2]
    lines = b"".join(b"\0" + line.tobytes() for line in pixels)
    head = struct.pack(">IIBBBBB", width, height, 8, RGB if pixels.ndim == 3 else GREY, 0, 0, 0)
    chunks = (b"IHDR", head), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b"")
    file = b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)
    return f"data:image/png;base64,{b64encode(file).decode()}"


def _chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )
