"""Films whose frames change what they are midway: refused before the work, or done and said."""

from fractions import Fraction

import pytest

from tests.helpers.film_clips import decode, frames_of, in_order_of_decoding, make_film, run

COLOURS = {"colorspace": 1, "color_primaries": 1, "color_trc": 1, "color_range": 1}  # BT.709, limited


def joined(first, second, codec="libx264"):
    """in.ts: 25 frames of each, in one stream. first, second: what is set of their encoders."""
    content = b""
    for settings in (first, second):

        def prepare(stream, settings=settings):
            for name, value in settings.items():
                setattr(stream.codec_context, name, value)

        make_film("part.h264", frames_of(25), codec, options={"preset": "ultrafast"}, prepare=prepare)
        with open("part.h264", "rb") as part:
            content += part.read()
    with open("both.h264", "wb") as both:
        both.write(content)
    in_order_of_decoding("both.h264", "in.ts", rate=25)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"colorspace": 6, "color_trc": 6}, "matrix"),
        ({"color_range": 2}, "range"),
        ({"color_trc": 16}, "transfer"),
        ({"color_primaries": 9}, "primaries"),
    ],
)
def test_colours_that_change_are_refused_before_the_work(folder, capfd, change, name):
    """The result says one kind for all frames: the later ones would have wrong colours."""
    joined(COLOURS, COLOURS | change)
    assert run("--input", "in.ts", "--output", "out.mkv") == 2
    said = capfd.readouterr().err
    assert f"in.ts: its frames change the {name} of their colours after 1.0 s; cut it there first" in said
    assert not (folder / "out.mkv").exists()


@pytest.mark.parametrize("change", [{"color_trc": 6}, {"colorspace": 2, "color_trc": 2}])
def test_colours_that_look_alike_are_no_change(folder, change):
    """Transfer curves of BT.601 and BT.709 are one; and frames may say it only sometimes."""
    joined(COLOURS, COLOURS | change)
    assert run("--input", "in.ts", "--output", "out.mkv") == 0
    assert len(decode("out.mkv")[0]) == 50


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        ({"pix_fmt": "yuv420p10le"}, "10 bits (now 8)"),
        ({"pix_fmt": "yuv444p"}, "4:4:4 (now 4:2:0)"),
        ({"sample_aspect_ratio": Fraction(16, 11)}, "another shape of pixels within the film"),
    ],
)
def test_what_later_frames_have_more_is_named(folder, capfd, change, lost):
    joined({"sample_aspect_ratio": Fraction(1)}, {"sample_aspect_ratio": Fraction(1)} | change)
    assert run("--input", "in.ts", "--output", "out.mkv") == 2
    assert f"left out, since the format cannot hold it: {lost}\n" in capfd.readouterr().err
    assert len(decode("out.mkv")[0]) == 50


def test_captions_that_begin_late_are_named(folder, capfd):
    """Of H.264, put before a late picture by hand."""
    make_film("a.h264", frames_of(20))
    payload = b"\xb5\x00\x31GA94\x03\x42\xff\xfc\x94\x2c\xfd\x80\x80\xff"
    start, content = b"\x00\x00\x01", (folder / "a.h264").read_bytes()
    at = content.rindex(start)
    message = start + b"\x06\x04" + bytes([len(payload)]) + payload + b"\x80"
    (folder / "in.h264").write_bytes(content[:at] + message + content[at:])
    assert run("--input", "in.h264", "--output", "out.mkv") == 2
    assert "closed captions within the pictures" in capfd.readouterr().err
