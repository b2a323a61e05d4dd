"""Encrypted films are refused, whatever says that they are; the same films in plain are done."""

import pytest

from srcnn.upscaling.films import matroska
from tests.helpers.film_clips import make, run
from tests.upscaling.films.test_odd_films import ffmpeg, frames_of, make_film

KEY, KEY_ID = "76a6c65c5ea762046bd749a2e632ccbb", "a7e61c373e219033c21091fa607bf3b8"


def scrambled_transport(data):
    """Every second packet of pictures with the bits that say so; FFmpeg writes them as number 0x100."""
    for at in range(0, len(data), 376):
        if data[at + 1 : at + 3] in (b"\1\0", b"\x41\0"):
            data[at + 3] |= 0x80
    return data


def scrambled_disc(data):
    """As on DVDs: every packet of pictures says so; its first bytes are plain, and show pictures as noise."""
    at = -1
    while (at := data.find(b"\0\0\1\xe0", at + 1)) >= 0:
        data[at + 6] |= 0x10
    return data


def with_key(data):
    """Matroska whose first track says that it is encrypted, by which key, and nothing else of it."""
    cipher = matroska.element(0x5035, matroska.element(0x47E1, b"\5"), matroska.element(0x47E2, bytes(16)))
    way = matroska.element(0x6240, matroska.element(0x5033, b"\1"), cipher)
    encrypted = matroska.element(0x6D80, way)
    tracks = b"\x16\x54\xae\x6b"
    begin = data.index(tracks, data.index(tracks) + 1)
    at = data.index(b"\xec\x01\0\0\0\0\0\1", begin)  # a VOID of 256 bytes or more
    size = int.from_bytes(data[at + 2 : at + 9])
    data[at : at + 9 + size] = encrypted + matroska.element(0xEC, bytes(size - len(encrypted)))
    return data


@pytest.mark.parametrize(
    ("name", "change"),
    [("in.ts", scrambled_transport), ("in.vob", scrambled_disc), ("in.mkv", with_key)],
)
def test_what_says_that_it_is_encrypted_is_refused(folder, capfd, name, change):
    def with_room(_, stream):
        stream.metadata["title"] = matroska.ROOM

    if name == "in.mkv":
        make(name, 3, change=with_room)
        assert matroska.put(folder / name, {}, [])
    else:
        make_film(name, frames_of(12), "mpeg2video", rate=25)
    assert run("--input", name, "--output", "plain.mkv") == 0
    path = folder / name
    path.write_bytes(change(bytearray(path.read_bytes())))
    assert run("--input", name, "--output", "out.mkv") == 2
    assert f"{name}: is encrypted" in capfd.readouterr().err
    assert not (folder / "out.mkv").exists()


def test_packets_that_are_encrypted_are_refused(folder, capfd):
    """By Common Encryption, as of shops and streams; FFmpeg gives their description as that of plain ones."""
    make("plain.mp4", 3)
    ffmpeg(
        f"-i plain.mp4 -c copy -encryption_scheme cenc-aes-ctr -encryption_key {KEY} "
        f"-encryption_kid {KEY_ID} in.mp4"
    )
    assert run("--input", "in.mp4", "--output", "out.mkv") == 2
    assert "in.mp4: is encrypted" in capfd.readouterr().err
