"""PNG files that are damaged beside the picture, or have much there: read as libpng reads them."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from srcnn.images import animations, image_io, png_chunks
from srcnn.images.texts import Text
from tests.helpers.image_files import SRGB, chunk, png, random, read

PIXELS = random(3)
FILE = png(PIXELS, 8, 2)
HEAD, REST = FILE[:33], FILE[33:]
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" a="%s"/>'


def by_libpng(content):
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


PROFILE = b"profile\0\0" + zlib.compress(SRGB)
FLAWS = {
    "damaged text": [(b"tEXt", b"Comment\0hello", 1), (b"zTXt", b"Comment\0\0no stream"), (b"iTXt", b"a")],
    "damaged dots per inch": [(b"pHYs", bytes(9), 1), (b"pHYs", bytes(4)), (b"pHYs", bytes(12))],
    "damaged colour profile": [(b"iCCP", PROFILE, 1), (b"iCCP", PROFILE[:-9]), (b"iCCP", b"x\0\1" + PROFILE)],
    "damaged EXIF": [(b"eXIf", b"II*\0\x08\0\0\0", 1), (b"eXIf", b"garbage")],
    "damaged transparency": [(b"tRNS", bytes(6), 1), (b"tRNS", bytes(2)), (b"tRNS", b"")],
    "damaged time": [(b"tIME", b"\0")],
    "damaged chunk gAMA": [(b"gAMA", b"\0\0"), (b"gAMA", bytes(4)), (b"gAMA", struct.pack(">I", 99999), 1)],
    "damaged chunk cHRM": [
        (b"cHRM", b"\0\0"),
        (b"cHRM", bytes(32), 1),
        (b"cHRM", bytes(32)),
        (b"cHRM", b"\1" * 32),
    ],
    "damaged chunk sRGB": [(b"sRGB", b""), (b"sRGB", b"\4"), (b"sRGB", b"\0", 7)],
    "damaged chunk bKGD": [(b"bKGD", bytes(6), 1)],
    "damaged chunk abCd": [(b"abCd", b"of nobody", 1)],
}


@pytest.mark.parametrize("words, flaw", [(words, flaw) for words, flaws in FLAWS.items() for flaw in flaws])
def test_damage_beside_the_picture_is_left_out_and_said(words, flaw):
    content = HEAD + chunk(*flaw) + REST
    picture = read(content, "a.png")
    np.testing.assert_array_equal(picture.pixels, by_libpng(content))
    np.testing.assert_array_equal(picture.pixels, PIXELS)
    assert picture.metadata.left_out == words and picture.icc_profile is None


def test_damage_behind_the_picture_and_in_16_bits():
    deep = random(3, 65535)
    content = png(deep, 16, 2)
    content = (
        content[:33] + chunk(b"gAMA", b"\0") + content[33:-12] + chunk(b"tEXt", b"a\0b", 1) + content[-12:]
    )
    picture = read(content, "a.png")
    np.testing.assert_array_equal(picture.pixels, deep)
    assert picture.metadata.left_out == "damaged chunk gAMA, damaged text"


def test_what_comes_too_late_or_again_does_not_count():
    """The picture has a colour of its own that would vanish, and a gamma that nobody meant."""
    late = chunk(b"tRNS", struct.pack(">3H", *PIXELS[5, 5])) + chunk(b"gAMA", struct.pack(">I", 100000))
    again = chunk(b"gAMA", struct.pack(">I", 45455)) + chunk(b"gAMA", struct.pack(">I", 100000))
    for content in (FILE[:-12] + late + FILE[-12:], HEAD + again + REST):
        np.testing.assert_array_equal(read(content, "a.png").pixels, PIXELS)


def test_what_comes_before_or_after_a_palette():
    """Transparency before the palette is of nothing, and gamma after it does not count, as in libpng."""
    indices, colours = random(1), random(3).tobytes()[:768]
    plain = png(indices, 8, 3, (b"PLTE", colours))
    opaque = by_libpng(plain)
    for chunks in ([(b"tRNS", b"\0"), (b"PLTE", colours)], [(b"PLTE", colours), (b"gAMA", b"\0\1\x86\xa0")]):
        content = png(indices, 8, 3, *chunks)
        np.testing.assert_array_equal(by_libpng(content), opaque)
        np.testing.assert_array_equal(read(content, "a.png").pixels, opaque)


def turning(orientation):
    return b"MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0" + bytes([orientation]) + bytes(6)


@pytest.mark.parametrize("bits, kind, key", [(8, 2, None), (8, 0, b"\0\7"), (16, 0, None), (16, 2, None)])
def test_exif_behind_the_picture_does_not_turn_it(tmp_path, bits, kind, key):
    """As in libpng, libvips and browsers; and its size is that of its pixels."""
    pixels = random({0: 1, 2: 3}[kind], 2**bits - 1)
    content = png(pixels, bits, kind, *([(b"tRNS", key)] if key else []))
    path = tmp_path / "a.png"
    path.write_bytes(content[:-12] + chunk(b"eXIf", turning(6)) + content[-12:])
    assert image_io.read(path).pixels.shape[:2] == image_io.size(path) == pixels.shape[:2]
    path.write_bytes(content[:33] + chunk(b"eXIf", turning(6)) + content[33:])
    assert image_io.read(path).pixels.shape[:2] == image_io.size(path) == pixels.shape[1::-1]


def test_of_two_exif_the_first_counts():
    twice = chunk(b"eXIf", turning(6)) + chunk(b"eXIf", turning(3))
    picture = read(HEAD + twice + REST, "a.png")
    np.testing.assert_array_equal(picture.pixels, np.rot90(PIXELS, 3))
    assert picture.metadata.left_out == "damaged EXIF"


@pytest.mark.parametrize("bits, colours, alphas", [(8, 5, 6), (2, 4, 5), (2, 256, 5)])
def test_more_alphas_than_colours_are_left_out(bits, colours, alphas):
    indices, palette = random(1) % min(colours, 2**bits), random(3).tobytes()[: 3 * colours]
    chunks = [(b"PLTE", palette), (b"tRNS", bytes(alphas))]
    picture = read(png(indices, bits, 3, *chunks), "a.png")
    np.testing.assert_array_equal(picture.pixels, by_libpng(png(indices, bits, 3, chunks[0])))
    assert picture.metadata.left_out == "damaged transparency"


@pytest.mark.parametrize("length", [0, 8, 9])
def test_a_header_that_is_too_short(length):
    content = chunk(b"IHDR", HEAD[16 : 16 + length]) + chunk(b"PLTE", bytes(9)) + chunk(b"tRNS", bytes(3))
    with pytest.raises(image_io.InputError, match=r"a\.png"):
        read(HEAD[:8] + content + REST, "a.png")


def test_more_than_a_megabyte_of_profile_text_and_xmp_is_read(tmp_path):
    """The result is read again, too: what it has beside its picture is as large."""
    profile = bytearray(SRGB + np.random.default_rng(0).bytes(1_500_000))
    profile[:4] = struct.pack(">I", len(profile))
    xmp = XMP % (b"x" * 1_200_000)
    chunks = chunk(b"iCCP", b"profile\0\0" + zlib.compress(profile))
    chunks += chunk(b"zTXt", b"workflow\0\0" + zlib.compress(b'{"node": 1}' * 110_000))
    chunks += chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(xmp))
    picture = read(HEAD + chunks + REST, "a.png")
    assert picture.icc_profile == profile and picture.metadata[:3] == (b"", xmp, "")
    assert picture.metadata.texts == (Text("workflow", '{"node": 1}' * 110_000),)
    image_io.save(PIXELS, tmp_path / "a.png", picture.icc_profile, info=picture.metadata)
    again = image_io.read(tmp_path / "a.png")
    assert again.icc_profile == profile and again.metadata == picture.metadata


def test_what_would_fill_the_memory_is_left_out(monkeypatch):
    monkeypatch.setattr(png_chunks, "LARGEST", 2000)
    bomb = zlib.compress(bytes(5000))
    content = HEAD + chunk(b"iCCP", b"a\0\0" + bomb) + chunk(b"zTXt", b"a\0\0" + bomb) + REST
    said = "colour profile of more than 2,000 bytes, text of more than 2,000 bytes"
    assert read(content, "a.png").metadata.left_out == said


def test_texts_are_not_taken_for_what_pillow_found():
    names = b"transparency", b"gamma", b"chromaticity", b"icc_profile", b"exif", b"dpi", b"default_image"
    texts = b"".join(chunk(b"tEXt", name + b"\0text") for name in names)
    picture = read(HEAD + texts + REST, "a.png")
    np.testing.assert_array_equal(picture.pixels, PIXELS)
    assert picture[1:] == (None, 1, picture.metadata, "")
    assert picture.metadata == image_io.Metadata(texts=tuple(Text(name.decode(), "text") for name in names))


def test_the_size_of_a_damaged_one_is_known(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(HEAD + chunk(b"gAMA", b"") + REST)
    assert image_io.size(path) == image_io.size(str(path)) == PIXELS.shape[:2]


def test_damage_beside_an_animation_is_said_and_damage_in_it_ends_it(tmp_path):
    frames = [Image.fromarray(random(3)) for _ in range(3)]
    path = tmp_path / "a.png"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)
    content = path.read_bytes()
    path.write_bytes(content[:33] + chunk(b"gAMA", b"") + content[33:])
    assert animations.fit(path, path)
    animation = animations.read(path)
    np.testing.assert_array_equal(animation.frames, [np.asarray(frame) for frame in frames])
    assert animation.metadata.left_out == "damaged chunk gAMA"
    at = content.find(b"fdAT") + 9
    path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    with pytest.raises(image_io.InputError, match="frame 2 cannot be read"):
        animations.read(path)
