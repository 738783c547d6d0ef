"""Values between two processes, neither of which can make the other run anything.

A message is a pickle of which only arrays, plain values and a few classes are made.  What is large
comes piece by piece through a window of memory that both processes see, the rest through a socket.
"""

import pickle
import struct
from io import BytesIO
from mmap import mmap
from socket import socket
from typing import Any

import numpy as np

from deepnet_cli.data.files.conventions import Odd
from deepnet_cli.data.files.dataset import Dataset
from deepnet_cli.data.files.layout import Layout, Packing
from deepnet_cli.data.files.storage import Storage
from deepnet_cli.data.files.survey import Entry
from deepnet_cli.errors import DamagedError, DataError, MachineError, NoDatasetError
from deepnet_cli.nn.types import Array

WINDOW = 2**22
"""Bytes: what stays in a processor's cache moves fastest."""

SMALL = 2**16
"""Bytes of an array that goes through the socket."""

OURS = {
    (kind.__module__, kind.__qualname__): kind
    for kind in (
        *(Dataset, Entry, Layout, Odd, Packing, Storage),
        *(DamagedError, DataError, MachineError, NoDatasetError),
    )
}
NUMPYS = {"dtype", "ndarray", "scalar", "_frombuffer", "_reconstruct"}

_LENGTH = struct.Struct(">Q")
_NEXT = b"."


class Channel:
    """One end.  Raises EOFError or ConnectionError where the other end is gone."""

    def __init__(self, end: socket, window: mmap) -> None:
        self.end = end
        self._window = memoryview(window)

    def send(self, value: object) -> None:
        """Pass a value on, once the other end waits for it."""
        large: list[pickle.PickleBuffer] = []

        def is_small(buffer: pickle.PickleBuffer) -> bool:
            if buffer.raw().nbytes > SMALL:
                large.append(buffer)
            return buffer.raw().nbytes <= SMALL

        text = pickle.dumps(value, protocol=5, buffer_callback=is_small)
        sizes = [len(text), len(large), *(buffer.raw().nbytes for buffer in large)]
        self.end.sendall(b"".join(map(_LENGTH.pack, sizes)))
        self.end.sendall(text)
        for buffer in large:
            content = buffer.raw()
            for at in range(0, content.nbytes, WINDOW):
                piece = content[at : at + WINDOW]
                self._window[: piece.nbytes] = piece
                self.end.sendall(_NEXT)
                self._receive(1)

    def receive(self, out: Array | None = None) -> Any:
        """The value that the other end sends; a large array in `out`, if this has its size."""
        length, count = self._number(), self._number()
        sizes = [self._number() for _ in range(count)]
        text = self._receive(length)
        return _Plain(text, [self._large(size, out) for size in sizes]).load()

    def _large(self, size: int, out: Array | None) -> Array:
        content = np.empty(size, np.uint8)
        if out is not None and out.nbytes == size:
            content = out.reshape(-1).view(np.uint8)
        for at in range(0, size, WINDOW):
            self._receive(1)
            content[at : at + WINDOW] = self._window[: min(WINDOW, size - at)]
            self.end.sendall(_NEXT)
        return content

    def _number(self) -> int:
        number: int = _LENGTH.unpack(self._receive(_LENGTH.size))[0]
        return number

    def _receive(self, count: int) -> bytearray:
        received, at = bytearray(count), 0
        with memoryview(received) as place:
            while at < count:
                if not (part := self.end.recv_into(place[at:])):
                    raise EOFError
                at += part
        return received


class _Plain(pickle.Unpickler):
    """Makes nothing but what a message may hold."""

    def __init__(self, text: bytearray, buffers: list[Array]) -> None:
        super().__init__(BytesIO(text), buffers=buffers)

    def find_class(self, module: str, name: str) -> Any:
        if (kind := OURS.get((module, name))) is not None:
            return kind
        if module.partition(".")[0] == "numpy" and name in NUMPYS:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a message")
