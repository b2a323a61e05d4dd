"""--list, --best and --fast."""

import re
from pathlib import Path

import pytest
from PIL import Image

import main
from srcnn.images import image_io
from tests.helpers.film_clips import make
from tests.helpers.pictures import smooth


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    image_io.save(smooth(24, 30, 3), Path("photos/a.png"))
    image_io.save(smooth(40, 20, 3), Path("photos/b.jpg"))
    image_io.save(smooth(16, 16, 3), Path("photos/c.png"))


def everything():
    return {path: path.stat().st_mtime_ns for path in Path().rglob("*")}


def test_a_list_says_what_would_be_done_and_does_nothing(capfd):
    """Of what is done, of what is left, and of what cannot be done; the work then does just that."""
    Path("photos/broken.png").write_bytes(b"no image")
    Path("larger").mkdir()
    Path("larger/c_x4.png").write_bytes(b"the user's own")
    assert main.main(["photos/a.png", "--scale", "4", "--output", "larger/a_x4.png"]) == 0
    words = ["photos", "--scale", "4", "--output", "larger"]
    assert main.main([*words, "--overwrite"]) == 2
    Path("larger/c_x4.png").write_bytes(b"the user's own, again")
    Path("larger/b_x4.png").unlink()
    before = everything()
    capfd.readouterr()
    assert main.main([*words, "--list"]) == 2
    out, err = capfd.readouterr()
    assert everything() == before
    assert "photos/a.png: already done, as larger/a_x4.png\n" in out
    assert "photos/b.jpg: larger/b_x4.png, 80x160 pixels, by 9-1-5 x4\n" in out
    assert "Remaining: 3 of 4. Nothing was written.\n" in out
    assert "broken.png" in err and "larger/c_x4.png: already exists; add --overwrite" in err
    assert err.count("\n") == 2
    assert main.main(words) == 2
    assert capfd.readouterr().out.count("larger/b_x4.png: 80x160 pixels") == 1


def test_a_list_tells_what_goes_to_png_and_which_frames_are_in_the_way(capfd):
    """Alpha that JPEG has not, frames that it has not; the work then says the same."""
    image_io.save(smooth(9, 9, 4), Path("photos/alpha.png"))
    first, *more = (Image.fromarray(smooth(9, 9, 3, seed=seed)) for seed in (1, 2))
    first.save("photos/moving.gif", save_all=True, append_images=more)
    words = ["photos", "--scale", "2", "--format", "jpg", "--output", "out"]
    assert main.main([*words, "--list"]) == 0
    said = {
        line.split(", ")[0].split(": ")[1] for line in capfd.readouterr().out.splitlines() if "by 9" in line
    }
    assert main.main(words) == 0
    made = {path.as_posix() for path in Path("out").iterdir() if path.suffix in (".png", ".jpg")}
    assert said == made and "out/alpha_x2.png" in made and "out/moving_x2.png" in made
    Path("film_2.png").write_bytes(b"the user's own")
    before = everything()
    words = ["photos/moving.gif", "--output", "film_%d.png", "--scale", "2"]
    for more in (["--list"], []):
        assert main.main([*words, *more]) == 2
        assert "film_2.png: already exists; add --overwrite" in capfd.readouterr().err
        assert everything() == before


def test_a_list_names_the_networks_for_jpeg(capfd):
    with Image.open("photos/a.png") as image:
        image.save("photos/d.jpg", quality=60)
    assert main.main(["photos/d.jpg", "--scale", "4", "--list"]) == 0
    assert "by 9-1-5 x2 for JPEG at quality 60, then 9-1-5 x2\n" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("flag", "same"),
    [
        ("--best", "--filters 9-5-5-5 --self_ensemble --weights shipped"),
        ("--fast", "--channels 32-16 --weights shipped"),
    ],
)
def test_best_and_fast_stand_for_a_shipped_network(flag, same):
    words = ["photos", "--scale", "2"]
    assert main.parse([*words, flag]) == main.parse([*words, *same.split()])
    assert main.main([*words, flag]) == 0
    assert len(list(Path("sample").glob("*.png"))) == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--best --fast", "--best selects the network; leave out --fast"),
        ("--best --filters 9-1-5", "leave out --filters"),
        ("--fast --weights a", "leave out --weights"),
        ("--fast --self_ensemble", "leave out --self_ensemble"),
    ],
)
def test_best_and_fast_choose_alone(fails, words, said):
    assert said in fails("photos/a.png", "--scale", "2", *words.split())


def test_a_list_names_the_files_and_sizes_that_the_run_makes(capfd):
    """Where a format cannot keep an image, and a film needs even sides; and what only decoding shows."""
    alpha = smooth(20, 20, 4)
    alpha[:5, :, 3] = 100
    image_io.save(alpha, Path("photos/alpha.png"))
    frames = [Image.new("RGB", (12, 10), colour) for colour in ("red", "blue")]
    frames[0].save("photos/moving.gif", save_all=True, append_images=frames[1:])
    whole = Path("photos/b.jpg").read_bytes()
    Path("photos/cut.jpg").write_bytes(whole[: len(whole) * 2 // 3])
    make("photos/film.mp4", 2, (32, 26))
    words = ["photos", "--width", "70", "--format", "jpg", "--output", "larger"]
    assert main.main([*words, "--list"]) == 2
    listed, refused = capfd.readouterr()
    assert main.main(words) == 2
    made, said = capfd.readouterr()
    found = [re.findall(r"(larger/\S+?)[:,] (\d+x\d+) pixels", text) for text in (listed, made)]
    assert len(found[0]) == 6 and found[0] == found[1]
    assert "cut.jpg" in refused and refused in said
