"""Images and films through standard input and output."""

import subprocess
import sys
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
from PIL import Image

import main
from srcnn.images import image_io
from srcnn.system import ledger
from srcnn.upscaling import pipes
from srcnn.upscaling.file_kinds import is_film
from tests.conftest import ROOT, on_posix
from tests.helpers.film_clips import make
from tests.helpers.image_files import SRGB

WORDS = ["--is_train", "False", "--scale", "2", "--checkpoint_dir", str(ROOT / "checkpoint")]


def piped(data, *words, cwd):
    command = [sys.executable, str(ROOT / "main.py"), *WORDS, "--scale", "2", *words]
    return subprocess.run(command, cwd=cwd, input=data, capture_output=True)


def test_through_pipes(folder):
    """16 bits, transparency and profile; nothing but the image comes out, and no file is left."""
    image_io.save(np.random.default_rng(0).integers(0, 65536, (9, 8, 4), np.uint16), "a.png", SRGB)
    before = set(folder.iterdir())
    done = piped((folder / "a.png").read_bytes(), "--input", "-", cwd=folder)
    assert done.returncode == 0 and b"weights for x2" in done.stderr
    assert set(folder.iterdir()) == before
    (folder / "out.png").write_bytes(done.stdout)
    picture = image_io.read("out.png")
    assert picture.pixels.shape == (18, 16, 4) and picture.pixels.dtype == np.uint16
    assert picture.icc_profile == SRGB
    again = piped(b"", "--input", "a.png", "--output", "-", cwd=folder)
    assert again.stdout == done.stdout
    to_file = piped((folder / "a.png").read_bytes(), "--input", "-", "--output", "b.png", cwd=folder)
    assert to_file.returncode == 0 and (folder / "b.png").read_bytes() == done.stdout


def test_what_is_no_image_in_a_pipe(folder):
    for data, text in ((b"hello", b"standard input: damaged"), (b"", b"standard input is empty")):
        done = piped(data, "--input", "-", cwd=folder)
        assert done.returncode == 2 and done.stdout == b"" and text in done.stderr.splitlines()[-1]


def film(path, form):
    with av.open(str(path), "w", format=form) as output:
        stream = output.add_stream({"webm": "libvpx-vp9", "avi": "mpeg4"}.get(form, "libx264"), rate=5)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), "rgb24")
        output.mux([*stream.encode(picture), *stream.encode()])
    return path.read_bytes()


def sizes_in(file):
    """The container of a film, and the sizes of its frames."""
    with av.open(file) as found:
        return found.format.name, [(frame.width, frame.height) for frame in found.decode(video=0)]


def test_a_film_through_pipes(folder):
    done = piped(film(folder / "film", "mpegts"), "--input", "-", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert sizes_in(BytesIO(done.stdout)) == ("matroska,webm", [(64, 64)])
    assert [path.name for path in folder.iterdir()] == ["film"]


@pytest.mark.parametrize("form", ["mp4", "matroska", "webm", "avi"])
def test_a_film_from_a_pipe(folder, monkeypatch, form):
    data = SimpleNamespace(buffer=BytesIO(film(folder / "film", form)), isatty=lambda: False)
    monkeypatch.setattr(sys, "stdin", data)
    assert main.main([*WORDS, "--input", "-", "--output", "out.mkv"]) == 0
    assert sizes_in("out.mkv")[1] == [(64, 64)]
    assert sorted(path.name for path in folder.iterdir()) == ["film", "out.mkv"]


def test_an_animation_from_a_pipe_becomes_a_film(folder, monkeypatch):
    first, second = (Image.new("RGB", (32, 32), shade) for shade in ("red", "blue"))
    first.save(file := BytesIO(), "GIF", save_all=True, append_images=[second])
    file.seek(0)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=file, isatty=lambda: False))
    assert main.main([*WORDS, "--input", "-", "--output", "out.mp4"]) == 0
    assert sizes_in("out.mp4")[1] == [(64, 64)] * 2


def test_a_film_from_a_pipe_goes_on_after_a_kill(folder):
    """The same bytes are the same film, whenever they come."""
    assert pipes_identity(folder, b"abc") == pipes_identity(folder, b"abc") != pipes_identity(folder, b"abd")


def pipes_identity(folder, data):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", SimpleNamespace(buffer=BytesIO(data), isatty=lambda: False))
        return ledger.identity(Path(pipes.receive(folder / "stdin")))


@pytest.mark.parametrize("kind", ["AVIF", "GIF", "JPEG", "PNG", "TIFF", "WEBP"])
def test_a_picture_from_a_pipe_is_no_film(folder, kind):
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save("stdin", kind)
    assert not is_film(Path("stdin"))


@on_posix
def test_a_reader_that_leaves_the_pipe(folder):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8))
    noise.save(buffer := BytesIO(), "PNG")
    (folder / "a.png").write_bytes(buffer.getvalue())
    words = f'"{sys.executable}" "{ROOT}/main.py" {" ".join(WORDS)} --input - < a.png | head -c 9'
    done = subprocess.run(["bash", "-c", words + "; echo ${PIPESTATUS[0]}"], capture_output=True, cwd=folder)
    assert done.stdout == b"\x89PNG\r\n\x1a\n\x00141\n" and b"Error" not in done.stderr


def test_what_is_said_of_a_pipe_does_not_name_its_temporary_file(folder):
    """Nor does what is no error: here, that only the first of several pages is taken."""
    pages = [Image.new("L", (9, 8), shade) for shade in (0, 255)]
    pages[0].save("pages.tif", save_all=True, append_images=pages[1:])
    done = piped((folder / "pages.tif").read_bytes(), "--input", "-", cwd=folder)
    assert done.returncode == 0
    assert b"standard input: has 2 pages; using the first one" in done.stderr and b"srcnn-" not in done.stderr


@on_posix
def test_a_full_temporary_folder_is_named_as_that(folder):
    """Here a file may have 20 kB: the film has that, its result has more."""
    make("in.mkv", 9, codec="libx264", crf=51)
    assert Path("in.mkv").stat().st_size < 20_000
    limit = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, -1)); "
    program = f"{limit}sys.path.insert(0, {str(ROOT)!r}); import main; main.run()"
    words = [sys.executable, "-c", program, *WORDS, "--input", "-", "--lossless"]
    done = subprocess.run(words, input=Path("in.mkv").read_bytes(), capture_output=True, text=False)
    error = b"main.py: error: the temporary folder (TMPDIR): cannot be written: File too large\n"
    assert done.returncode == 2 and done.stderr.endswith(error) and not done.stdout
