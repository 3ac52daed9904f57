"""Packs on disk: whole or not there, and checked when read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from pytest_django import Settings

from mailstore import packs
from mailstore.models import Blob, Pack

RAWS = [b"first\r\n", b"second message\r\n", b"\x00\xff\n"]


@pytest.fixture(autouse=True)
def pack_folder(settings: Settings, tmp_path: Path) -> Path:
    settings.PACK_FOLDER = tmp_path / "packs"
    return tmp_path / "packs"


def blob(written: packs.WrittenPack, index: int) -> Blob:
    offset, size = written.places[index]
    digest = hashlib.sha256(RAWS[index]).hexdigest()
    return Blob(pack=Pack(name=written.name), sha256=digest, offset=offset, size=size)


def test_what_was_written_is_read_back() -> None:
    written = packs.write_pack(RAWS)
    assert [packs.read_raw(blob(written, index)) for index in range(3)] == RAWS
    assert written.size == sum(map(len, RAWS))


def test_a_pack_is_one_file_that_only_we_can_reach(pack_folder: Path) -> None:
    packs.write_pack(RAWS)
    (file,) = [path for path in pack_folder.rglob("*") if path.is_file()]
    assert file.suffix == ".pack"
    assert file.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("at", [0, 10, 24])
def test_a_flipped_byte_is_noticed_in_its_message_and_in_no_other(
    pack_folder: Path, at: int
) -> None:
    written = packs.write_pack(RAWS)
    (file,) = pack_folder.rglob("*.pack")
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)
    damaged = 0
    for index in range(3):
        try:
            assert packs.read_raw(blob(written, index)) == RAWS[index]
        except packs.BlobDamaged:
            damaged += 1
    assert damaged == 1


def test_a_cut_or_missing_file_is_damage(pack_folder: Path) -> None:
    written = packs.write_pack(RAWS)
    (file,) = pack_folder.rglob("*.pack")
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(packs.BlobDamaged):
        packs.read_raw(blob(written, 2))
    file.unlink()
    with pytest.raises(packs.BlobDamaged):
        packs.read_raw(blob(written, 0))


def test_a_place_beyond_the_file_is_damage_whatever_its_size() -> None:
    written = packs.write_pack(RAWS)
    beyond = blob(written, 2)
    beyond.size = 2**50
    with pytest.raises(packs.BlobDamaged):
        packs.read_raw(beyond)


def test_a_write_that_fails_leaves_nothing(pack_folder: Path) -> None:
    with pytest.raises(TypeError):
        packs.write_pack([b"good", None])  # type: ignore[list-item]
    assert not [path for path in pack_folder.rglob("*") if path.is_file()]
