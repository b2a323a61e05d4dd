"""Files of the user: what the program did not write, it does not change or remove."""

import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image

import main
import utils
from srcnn.system.atomic_write import made, replacing
from srcnn.system.ledger import LIST, written
from srcnn.system.output_paths import check_apart
from tests.helpers.folders import contents


def run(*words):
    return main.main(["--is_train", "False", *map(str, words)])


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("results", ["photographs", "./photographs/", "link"])
def test_a_test_into_the_folder_of_its_images_is_refused(photographs, here, fails, results):
    (here / "link").symlink_to(photographs)
    assert "--sample_dir" in fails("--is_train", "False", "--test_dir", photographs, "--sample_dir", results)


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_no_input_is_an_output_through_a_link(photographs, here, fails, link):
    (here / "s").mkdir()
    link(photographs / "image 1.png", here / "s/image 0.png")
    assert "image 1.png" in fails("--is_train", "False", "--test_dir", photographs, "--sample_dir", "s")
    link(photographs / "image 1.png", here / "large.png")
    words = "--input", photographs / "image 1.png", "--output", "large.png", "--overwrite"
    assert "large.png" in fails("--is_train", "False", *words)


def test_a_lock_owner_of_somebody_else_stays(photographs, here, fails):
    (here / "c").mkdir()
    (here / "c/.lock_owner").write_text("mine")
    assert ".lock_owner" in fails("--train_dir", photographs, "--checkpoint_dir", "c")


def test_no_input_is_an_output_but_for_case(photographs, fails):
    photo = photographs / "image 0.png"
    words = "--is_train", "False", "--input", photo, "--overwrite", "--output"
    assert "Image 0.PNG" in fails(*words, photographs / "Image 0.PNG")
    assert "image 0.png" in fails(*words, photographs / "../photographs/image 0.png")


def test_ways_to_write_one_letter_are_one_name(here):
    with pytest.raises(main.InputError, match="input"):
        check_apart([here / "Caf\u00e9.png"], [here / "cafe\u0301.png"])
    check_apart([here / "a.png"], [here / "b.png"])


def test_weights_are_not_exported_over_themselves(here, fails):
    assert run("--export", "x3.mat") == 0
    assert "x3.mat" in fails(
        "--is_train", "False", "--weights", "x3.mat", "--export", "x3.mat", "--overwrite"
    )


def test_results_of_different_images_have_different_names(here, photographs):
    """Names that the program itself uses, or that differ in case alone."""
    taken = "filters", "test_image", "image 0_comparison", "IMAGE 1"
    for name in taken:
        shutil.copy(photographs / "image 2.png", photographs / f"{name}.png")
    if len(list(photographs.iterdir())) < 7:
        pytest.skip("this file system knows no case")
    before = contents(photographs)
    assert run("--test_dir", photographs) == 0
    names = list(json.loads((here / "sample/results.json").read_text())["images"])
    assert len({name.casefold() for name in names}) == 7
    for name in names:
        assert Image.open(here / f"sample/{name}.png").size == (72, 60)
        assert Image.open(here / f"sample/{name}_comparison.png").width > 4 * 72
    assert Image.open(here / "sample/filters.png").size == (800, 200)
    assert contents(photographs) == before


@pytest.mark.parametrize("name", ["report.html", "results.json", "image 1.png", "image 2_comparison.png"])
def test_a_test_leaves_files_of_the_user_alone(here, photographs, fails, name):
    (here / "sample").mkdir()
    (here / "sample" / name).write_text("precious")
    assert name in fails("--is_train", "False", "--test_dir", photographs)
    assert (here / "sample" / name).read_text() == "precious"


def test_results_are_replaced_unless_somebody_changed_them(here, photographs, fails):
    assert run("--test_dir", photographs) == 0
    assert run("--test_dir", photographs) == 0
    with open(here / "sample/report.html", "a", encoding="utf-8") as file:
        file.write("<!-- my notes -->")
    assert "changed since" in fails("--is_train", "False", "--test_dir", photographs)


def test_a_list_that_a_kill_cut_short_is_read_and_goes_on(here):
    for name in ("a.txt", "c.txt"):
        with replacing(here / name, {"n": name}) as temporary:
            temporary.write_text(name)
        with open(here / LIST, "a", encoding="utf-8") as file:
            file.write('\n{"name": "b.txt", "si')
    assert written(here) == {"a.txt": {"n": "a.txt"}, "c.txt": {"n": "c.txt"}}


@pytest.mark.parametrize("kind", ["text", "link", "folder"])
def test_what_is_no_list_of_the_program_is_not_written_to(here, photographs, kind):
    (here / "sample").mkdir()
    (here / "diary.txt").write_text("precious")
    if kind == "text":
        shutil.copy(here / "diary.txt", here / "sample" / LIST)
    elif kind == "link":
        (here / "sample" / LIST).symlink_to(here / "diary.txt")
    else:
        (here / "sample" / LIST).mkdir()
    assert run("--test_dir", photographs) == 2
    assert [path.name for path in (here / "sample").iterdir()] == [LIST]
    assert (here / "diary.txt").read_text() == "precious"


def test_upscaling_leaves_the_page_of_a_test(here, photographs):
    assert run("--test_dir", photographs) == 0
    before = contents(here / "sample")
    assert run("--input", photographs) == 0
    after = contents(here / "sample")
    assert {path: after[path] for path in before if path.name != LIST} == {
        path: content for path, content in before.items() if path.name != LIST
    }
    assert (here / "sample/upscaled.html").is_file()


def test_a_folder_upscaled_into_itself_does_not_grow_again(photographs, capsys):
    words = "--input", photographs, "--output", photographs, "--scale", 2
    for _ in range(3):
        assert run(*words) == 0
    assert sorted(p.name for p in photographs.glob("*.png")) == sorted(
        f"image {i}{ending}.png" for i in range(3) for ending in ("", "_x2")
    )
    assert "3 of 3 already upscaled" in capsys.readouterr().out


def test_upscaling_a_folder_goes_on_where_it_was(here, photographs, capsys):
    words = "--input", photographs, "--output", "out"
    assert run(*words) == 0
    before = contents(here / "out")
    (here / "out/image 1_x3.png").unlink()
    assert run(*words) == 0
    assert "2 of 3 already upscaled" in capsys.readouterr().out
    after = contents(here / "out")
    assert all(after[path] == before[path] for path in before if path.name != LIST)
    utils.imsave(np.zeros((20, 20)), photographs / "image 0.png")  # another picture of that name
    assert run(*words) == 2
    assert "image 0_x3.png: already exists" in capsys.readouterr().err


def test_what_a_folder_run_leaves_out_is_counted(photographs, capsys):
    for name in ("a.psd", "b.psd", "noending", ".hidden.png"):
        (photographs / name).touch()
    (photographs / "deeper").mkdir()
    assert run("--input", photographs) == 0
    said = capsys.readouterr().out
    assert (
        "left out what is not an image: 2 .psd (Photoshop), 1 hidden, 1 sub-folders, 1 without an extension"
        in said
    )


@pytest.mark.parametrize("flag", ["--test_dir", "--input"])
def test_a_folder_that_may_not_be_read_is_said(photographs, fails, monkeypatch, flag):
    def refused(folder):  # what root would not see
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr("pathlib.Path.iterdir", refused)
    with monkeypatch.context() as context:
        context.setattr("pathlib.Path.rglob", lambda *_: [])
        assert "Permission denied" in fails("--is_train", "False", flag, photographs)


def test_scales_are_trusted_and_said_or_refused(here, photographs, fails, capfd):
    import scipy.io

    assert run("--export", "x3.mat") == 0
    mat = {key: value for key, value in scipy.io.loadmat("x3.mat").items() if "conv" in key}
    scipy.io.savemat("authors.mat", mat)  # as they released it: it does not say its scale
    capfd.readouterr()
    assert run("--test_dir", photographs, "--weights", "authors.mat") == 0
    assert "authors.mat: does not record what it was trained for; assuming scale 3" in capfd.readouterr().out
    words = "--is_train", "False", "--input", photographs
    assert "scale 3 (now 2)" in fails(*words, "--weights", "x3.mat", "--scale", 2)
    for scale in (6, 5):
        assert f"--scale {scale}" in fails(*words, "--weights", "authors.mat", "--scale", scale)


def test_what_is_trusted_is_not_made_a_fact_by_exporting_it(here, photographs):
    import scipy.io

    assert run("--export", "x2.mat", "--scale", 2) == 0
    mat = {key: value for key, value in scipy.io.loadmat("x2.mat").items() if "conv" in key}
    scipy.io.savemat("authors.mat", mat)
    assert run("--weights", "authors.mat", "--export", "again.mat") == 0  # --scale 3 by default
    assert run("--weights", "again.mat", "--test_dir", photographs, "--scale", 2) == 0


def test_a_new_folder_goes_with_the_last_that_needed_it(here):
    """Threads that write into it fail one after the other, on a full disk."""
    first, second = made(here / "new/er"), made(here / "new/er")
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    (here / "new/er/file").touch()
    (here / "new/er/file").unlink()
    second.__exit__(None, None, None)
    assert not list(here.iterdir())
    with made(here / "new/er"), replacing(here / "new/er/file") as temporary:
        temporary.touch()
    assert (here / "new/er/file").exists()
