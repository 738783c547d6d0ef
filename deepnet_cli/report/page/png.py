"""A small picture as a data URI (PNG, https://www.w3.org/TR/png/)."""

import struct
import zlib
from base64 import b64encode

from deepnet_cli.nn.types import Array

COLOR = {1: 0, 3: 2, 4: 6}
"""PNG's color type, by the number of channels."""


def data_uri(pixels: Array) -> str:
    """Of bytes (height, width, channels): grey, red-green-blue, or that with opacity."""
    height, width, channels = pixels.shape
    lines = b"".join(b"\0" + line.tobytes() for line in pixels)
    head = struct.pack(">IIBBBBB", width, height, 8, COLOR[channels], 0, 0, 0)
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
