"""Files are written whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from tflm_unit.converter import container
from tflm_unit.converter.errors import UnitError


def test_write_file(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    container.write_file(path, b"first")
    path.chmod(0o640)
    container.write_file(str(path), b"second")
    assert path.read_bytes() == b"second"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["model.tflite"]
    link = tmp_path / "link"
    link.symlink_to(path)
    container.write_file(link, b"third")
    assert path.read_bytes() == b"third"
    assert link.is_symlink()


def test_new_files_follow_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        container.write_file(tmp_path / "model.tflite", b"x")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "model.tflite").stat().st_mode) == 0o640


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(b"old")

    def fail(*args: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((os, "fsync") if failing == "fsync" else (Path, "replace")), fail)
    with pytest.raises(
        UnitError, match=r"cannot write .*model\.tflite: No space left on device.*3 bytes free"
    ):
        container.write_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["model.tflite"]


def test_unwritable_places(tmp_path: Path) -> None:
    for path in (tmp_path / "missing" / "model.tflite", tmp_path):
        with pytest.raises(UnitError, match="cannot write"):
            container.write_file(path, b"x")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_full_device() -> None:
    with pytest.raises(UnitError, match="No space left"):
        container.write_file("/dev/full", b"x" * 100)
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)
