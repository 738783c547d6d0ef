"""What happens to bytes on disk: whole or not at all, and nothing left behind."""

import errno
import hashlib
import os
import pickle
import stat
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from threading import RLock, Thread
from typing import Any

import h5py
import numpy as np
import pytest
from samples import largest_file

from deepnet_cli import files, signals
from deepnet_cli.data.files.hdf5 import hdf5_bytes
from deepnet_cli.errors import ConfigError, DataError, MachineError
from deepnet_cli.files import check_readable, read_file, shown, write_file
from deepnet_cli.folders import make_directory
from deepnet_cli.training.kept.sealed import USER_BLOCK, check_seal, open_sealed, sealed

OLD, NEW = b"old content", b"new content, longer" * 1000


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "model.h5"
    path.write_bytes(OLD)
    return path


def names(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir())


def refusing(code: int) -> Callable[..., None]:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    return refuse


@pytest.mark.parametrize("content", [b"", b"\x00\r\n\xff", NEW])
def test_what_was_written_is_read(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a file"
    for _ in range(2):
        write_file(path, content)
        assert read_file(path) == content
    assert names(tmp_path) == ["a file"]


def test_the_old_file_is_replaced_not_written_over(target: Path) -> None:
    """Whoever has the old file open, or linked, keeps it whole."""
    link = target.with_name("link")
    link.hardlink_to(target)
    with target.open("rb") as reader:
        write_file(target, NEW)
        assert reader.read() == link.read_bytes() == OLD
    assert target.read_bytes() == NEW


@pytest.mark.parametrize("content", [b"short", NEW])
def test_content_is_durable_before_its_name_and_then_the_name(
    target: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    log: list[tuple[str, int]] = []
    fsync, replace = os.fsync, os.replace

    def logged_fsync(descriptor: int) -> None:
        facts = os.fstat(descriptor)
        directory = stat.S_ISDIR(facts.st_mode)
        log.append(("directory", 0) if directory else ("file", facts.st_size))
        fsync(descriptor)

    def logged_replace(source: Path, place: Path) -> None:
        log.append(("replace", Path(source).stat().st_size))
        assert Path(source).parent == target.parent
        assert target.read_bytes() == OLD
        replace(source, place)

    monkeypatch.setattr(os, "fsync", logged_fsync)
    monkeypatch.setattr(os, "replace", logged_replace)
    write_file(target, content)
    assert log == [("file", len(content)), ("replace", len(content)), ("directory", 0)]


@pytest.mark.parametrize("call", ["open", "fsync", "replace"])
@pytest.mark.parametrize(
    ("code", "told"),
    [
        (errno.ENOSPC, "no space left on device; free some space"),
        (errno.EIO, "input/output error"),
        (errno.EACCES, "permission denied; check the permissions"),
        (errno.EROFS, "read-only file system; check the permissions"),
    ],
)
def test_a_refusal_leaves_the_old_file_and_no_other(
    target: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int, told: str
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(os, call, refusing(code))
        with pytest.raises(MachineError, match=f"model.h5: cannot write: {told}") as refused:
            write_file(target, NEW)
    assert refused.value.exit_code == 6
    assert target.read_bytes() == OLD
    assert names(target.parent) == ["model.h5"]
    write_file(target, NEW)
    assert target.read_bytes() == NEW


def test_a_disk_that_fills_up_halfway(target: Path) -> None:
    with largest_file(len(NEW) // 2), pytest.raises(MachineError, match="file too large"):
        write_file(target, NEW)
    assert target.read_bytes() == OLD
    assert names(target.parent) == ["model.h5"]


def test_a_first_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with largest_file(100), pytest.raises(MachineError):
        write_file(tmp_path / "model.h5", NEW)
    assert names(tmp_path) == []


def test_an_interrupt_passes_and_leaves_the_old_file(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_file(target, NEW)
    assert target.read_bytes() == OLD
    assert names(target.parent) == ["model.h5"]


@pytest.mark.parametrize("written", [False, True])
def test_who_leaves_by_a_signal_leaves_no_temporary(
    target: Path, monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    """From the moment that it may be there; the process then ends without anything being raised,
    and no thread makes another one before it does.
    """
    unfinished, making = set[str](), RLock()  # other tests may have left a lock
    for module in (files, signals):
        monkeypatch.setattr(module, "unfinished", unfinished)
        monkeypatch.setattr(module, "making", making)
    ended: list[int] = []
    leave: Callable[[int], object] = signals.leave
    name = "fsync" if written else "open"
    function = getattr(os, name)

    def with_a_signal(*args: Any) -> Any:
        done = function(*args)
        leave(2)
        return done

    with monkeypatch.context() as leaving:
        leaving.setattr(os, "_exit", ended.append)
        leaving.setattr(os, name, with_a_signal)
        with pytest.raises(MachineError, match="no such file"):  # what would be left is gone
            write_file(target, NEW)
    assert ended == [130]
    writer = Thread(target=write_file, args=(target, NEW), daemon=True)
    writer.start()
    writer.join(0.05)
    assert writer.is_alive()
    assert target.read_bytes() == OLD
    assert names(target.parent) == ["model.h5"]
    assert unfinished == set()
    making.release()  # as the end of the process does
    writer.join()
    assert target.read_bytes() == NEW


def test_a_private_file_stays_private(target: Path) -> None:
    for mode in (0o600, 0o640, 0o666):
        target.chmod(mode)
        write_file(target, NEW)
        assert stat.S_IMODE(target.stat().st_mode) & ~mode == 0


@pytest.mark.parametrize(
    ("code", "told"), [(errno.EINVAL, None), (errno.ENOTSUP, None), (errno.EIO, "input/output")]
)
def test_a_file_system_may_not_know_how_to_sync_a_directory(
    target: Path, monkeypatch: pytest.MonkeyPatch, code: int, told: str | None
) -> None:
    fsync = os.fsync

    def files_only(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(code, os.strerror(code))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", files_only)
    with pytest.raises(MachineError, match=told) if told else nullcontext():
        write_file(target, NEW)
    assert target.read_bytes() == NEW


def test_a_killed_writer_does_not_stand_in_the_way(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between open and rename; in a container the next process has the same number."""
    with monkeypatch.context() as killed:
        killed.setattr(os, "replace", refusing(errno.EIO))
        killed.setattr(Path, "unlink", lambda *_, **__: None)
        with pytest.raises(MachineError):
            write_file(target, NEW)
    assert len(names(target.parent)) == 2
    write_file(target, NEW)
    assert target.read_bytes() == NEW


def test_a_missing_directory_is_told(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="cannot write: no such file or directory"):
        write_file(tmp_path / "nowhere" / "model.h5", NEW)


# Reading


def test_a_missing_file_is_told_with_the_nearest(target: Path) -> None:
    with pytest.raises(DataError, match=r"modle.h5: no such file; did you mean 'model.h5'\?"):
        read_file(target.with_name("modle.h5"))
    with pytest.raises(DataError, match=r"there is no directory .*nowhere"):
        read_file(target.with_name("nowhere") / "model.h5")
    with pytest.raises(DataError, match="no such file"):
        read_file(target / "below a file")


def test_only_regular_files_are_read(target: Path) -> None:
    with pytest.raises(DataError, match="is a directory; name a file"):
        read_file(target.parent)
    pipe = target.with_name("pipe")
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero")):
        with pytest.raises(DataError, match="not a regular file"):
            read_file(path)
    assert check_readable(target).st_size == len(OLD)


def test_a_disk_that_cannot_be_read_is_the_machines_fault(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for call in ("stat", "read_bytes"):
        with monkeypatch.context() as broken:
            broken.setattr(Path, call, refusing(errno.EIO))
            with pytest.raises(MachineError, match="cannot read: input/output error"):
                read_file(target)


# Directories


def test_a_directory_is_new(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "deep" / "digits-001"
    make_directory(path)
    assert path.is_dir()
    with pytest.raises(FileExistsError):
        make_directory(path)


@pytest.mark.parametrize("below", ["runs", "deep/runs"])
def test_a_directory_below_a_file_is_refused(target: Path, below: str) -> None:
    """FileExistsError would say that this name is taken, and invite the next one."""
    with pytest.raises(ConfigError, match=f"{below}: lies below a file"):
        make_directory(target / below)


def test_a_path_is_shown_without_detours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    assert shown(tmp_path / "a" / ".." / "a" / "b") == Path("b")
    assert shown(Path("../c")) == tmp_path.resolve() / "c"


# Sealed files

VALUES = np.arange(6.0)


def fill(file: Any) -> None:
    file["group/values"] = VALUES
    file.attrs["name"] = "digits"


MODEL, MADE = sealed("model", fill), time.monotonic()


def opened(path: Path, content: bytes, kind: str = "model") -> list[float]:
    """The values in a sealed file of this content."""
    path.write_bytes(content)
    with open_sealed(path, kind) as source:
        assert source.text("name") == "digits"
        values: list[float] = source.read("group/values").tolist()
        return values


def with_header(header: str, body: bytes) -> bytes:
    """A file whose digest is right, whatever else is not."""
    header += f"sha256 {hashlib.sha256(body).hexdigest()}\n"
    return header.encode().ljust(USER_BLOCK - 1) + b"\n" + body


def test_a_sealed_file_gives_back_what_it_holds(target: Path) -> None:
    assert opened(target, MODEL) == VALUES.tolist()


def test_equal_content_gives_equal_bytes_at_any_time() -> None:
    """HDF5 would keep the time in whole seconds."""
    time.sleep(max(0.0, 1.1 - (time.monotonic() - MADE)))
    assert sealed("model", fill) == MODEL
    assert sealed("checkpoint", fill)[USER_BLOCK:] == MODEL[USER_BLOCK:]


def test_the_header_is_text_that_says_what_it_is() -> None:
    digest = hashlib.sha256(MODEL[512:]).hexdigest()
    header = MODEL[:512].decode("ascii")
    assert header.startswith(f"deepnet model\nformat 1\nsha256 {digest}\n")
    assert header.endswith(" \n")
    assert with_header("deepnet model\nformat 1\n", MODEL[512:]) == MODEL


def test_any_hdf5_program_opens_it(target: Path) -> None:
    target.write_bytes(MODEL)
    with h5py.File(target) as file:
        assert file.userblock_size == USER_BLOCK
        np.testing.assert_array_equal(file["group/values"], VALUES)


def flipped(content: bytes, bit: int) -> bytes:
    damaged = bytearray(content)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


def passes(content: bytes) -> bool:
    """Whether these are taken for the bytes of a whole model."""
    try:
        check_seal(content, Path("model.h5"), "model")
    except DataError:
        return False
    return True


def test_any_flipped_bit_is_seen() -> None:
    """Of the header, where it says something else, and of the body."""
    assert passes(MODEL)
    assert [bit for bit in range(8 * len(MODEL)) if passes(flipped(MODEL, bit))] == []


def test_any_truncation_is_seen() -> None:
    assert [length for length in range(len(MODEL)) if passes(MODEL[:length])] == []


def test_hdf5_sees_no_byte_of_a_damaged_file(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def met(*_: object) -> None:
        pytest.fail("HDF5 was given the file")

    monkeypatch.setattr("deepnet_cli.training.kept.sealed.open_hdf5_bytes", met)
    for content in (MODEL + b"garbage", MODEL[:-1], flipped(MODEL, 8 * len(MODEL) - 1)):
        with pytest.raises(DataError, match=r"model\.h5: damaged: its sha256 does not match"):
            opened(target, content)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (sealed("checkpoint", fill), "not a deepnet model, but a deepnet checkpoint"),
        (hdf5_bytes(fill), "it looks like an HDF5 file"),
        (pickle.dumps({"W1": [1.0]}), "it looks like a pickle"),
        (b"a,b\n1,2\n", "it looks like text"),
        (b"", "not a deepnet model"),
        (with_header("deepnet model\nformat 2\n", b"unknown"), r"by a newer deepnet \(format 2\)"),
        (with_header("deepnet model\nformat 2\n", MODEL[512:]), "damaged: there is no format 2"),
        (with_header("deepnet model\nformat 1\n", b"no HDF5"), "damaged HDF5 file"),
    ],
    ids=["checkpoint", "HDF5", "pickle", "text", "empty", "newer", "format", "not HDF5 inside"],
)
def test_what_is_no_model_is_refused(target: Path, content: bytes, told: str) -> None:
    with pytest.raises(DataError, match=f"model.h5: .*{told}") as refused:
        opened(target, content)
    assert refused.value.exit_code == 3
