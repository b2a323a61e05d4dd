"""Preparing collections that are large: sub-folders, parts, interruptions, broken images."""

import errno
import shutil
import time
from contextlib import nullcontext

import h5py
import numpy as np
import pytest

import main
import utils
from srcnn.networks.weight_files import read_weights
from srcnn.settings import Cut
from srcnn.system.errors import InputError
from srcnn.training import hdf5, training_data
from srcnn.training.batches import Batches
from srcnn.training.training_data import read_parts
from tests.conftest import network_of
from tests.helpers.trainings import flags

SMALL = ["--filters", "3-1-3", "--epoch", 2]


@pytest.fixture
def collection(photographs, tmp_path):
    """Nine images in sub-folders of a folder."""
    for number in range(9):
        place = tmp_path / "collection" / "ab"[number % 2] / str(number)
        place.mkdir(parents=True)
        shutil.copy(photographs / f"image {number % 3}.png", place / f"{number}.png")
    return tmp_path / "collection"


def setup(folder, collection):
    return utils.input_setup(
        Cut(label_size=29), network_of("3-1-3"), utils.prepare_data(collection, recursive=True), folder
    )


def pairs(path):
    with read_parts(path) as hf:
        return [hf[name][:] for name in ("data", "label")]


def test_sub_folders_are_trained_on_but_for_hidden_ones_and_links(collection, photographs):
    shutil.copytree(photographs, collection / ".thumbnails")
    (collection / "again").symlink_to(collection)
    found = utils.prepare_data(collection, recursive=True)
    assert [path.stem for path in found] == list("024681357")


def test_results_below_the_images_are_not_trained_on(collection, capsys):
    words = flags(collection, collection / "mine", *SMALL)
    upscaling = ["--is_train", "False", "--scale", "2", "--input"]
    for _ in range(2):
        assert main.main(words) == 0
        assert list(collection.glob("mine/*/training.png"))
        assert "of 9 images" in capsys.readouterr().out
        sample = str(collection / "larger")
        assert main.main([*upscaling, str(collection / "a/0/0.png"), "--sample_dir", sample]) == 0
    for recursive in (True, False):
        with pytest.raises(InputError, match="only images that this program wrote"):
            utils.prepare_data(sample, recursive)


def test_parts_hold_what_one_file_does_and_train_alike(collection, tmp_path, monkeypatch, capsys):
    one, many = tmp_path / "one", tmp_path / "many"
    assert main.main(flags(collection, one, *SMALL)) == 0
    monkeypatch.setattr(training_data, "PART_BYTES", 2 * 6 * (33**2 + 29**2) * 4)  # two images of six pairs
    assert main.main(flags(collection, many, *SMALL)) == 0
    assert sorted(path.name for path in many.glob("train.h5*")) == [
        "train.h5",
        *(f"train.h5.0000{i}" for i in range(5)),
    ]
    for found, expected in zip(pairs(many / "train.h5"), pairs(one / "train.h5"), strict=True):
        np.testing.assert_array_equal(found, expected)
    (values, _), (expected, _) = (read_weights(path / network_of("3-1-3").name) for path in (many, one))
    np.testing.assert_array_equal(values["w1"], expected["w1"])
    before = [path.stat().st_mtime_ns for path in sorted(many.glob("train.h5*"))]
    capsys.readouterr()
    assert main.main(flags(collection, many, *SMALL)) == 0
    assert before == [path.stat().st_mtime_ns for path in sorted(many.glob("train.h5*"))]
    (many / "train.h5.00002").write_bytes(b"cut")
    assert main.main(flags(collection, many, *SMALL)) == 2
    assert "train.h5.00002: is damaged" in capsys.readouterr().err


def test_slices_of_parts_are_those_of_one_file(collection, tmp_path, monkeypatch):
    data, _ = pairs(setup(tmp_path / "one", collection))
    monkeypatch.setattr(training_data, "PART_BYTES", 1)
    monkeypatch.setattr("srcnn.training.batches.POOL_BYTES", data[:16].nbytes * 2)
    monkeypatch.setattr("srcnn.training.hdf5.CHUNK_VALUES", 5 * 33**2)
    with read_parts(setup(tmp_path / "many", collection)) as hf:
        for start, stop in ((0, 6), (4, 17), (11, 12), (6, 6), (50, 60)):
            np.testing.assert_array_equal(hf["data"][start:stop], data[start:stop])
        batches = Batches(hf, 4, 0)
        assert not batches.is_whole
        inputs, labels = batches.batch(0)
        assert inputs.shape == (4, 33, 33, 1) and labels.shape == (4, 29, 29, 1)


def test_images_that_take_more_memory_than_there_is_are_prepared_one_by_one(
    collection, tmp_path, monkeypatch
):
    whole, now, most = utils.preprocess, [], []

    def watched(path, *rest):
        now.append(path)
        most.append(len(now))
        time.sleep(0.02)
        found = whole(path, *rest)
        now.remove(path)
        return found

    monkeypatch.setattr(utils, "preprocess", watched)
    monkeypatch.setattr(utils, "cores", lambda: 4)
    monkeypatch.setattr(utils, "PREPARING", 10**5)
    setup(tmp_path / "one", collection)
    assert max(most) == 1
    most.clear()
    monkeypatch.setattr(utils, "PREPARING", 10**9)
    setup(tmp_path / "many", collection)
    assert max(most) > 1


def test_an_interrupted_preparation_goes_on(collection, tmp_path, monkeypatch):
    monkeypatch.setattr(training_data, "PART_BYTES", 1)
    whole, read, broken = utils.preprocess, [], {"3"}

    def failing(path, *rest):
        read.append(path.stem)
        if path.stem in broken:
            raise KeyboardInterrupt
        return whole(path, *rest)

    monkeypatch.setattr(utils, "preprocess", failing)
    monkeypatch.setattr(utils, "cores", lambda: 1)
    with pytest.raises(KeyboardInterrupt):
        setup(tmp_path / "c", collection)
    done = len(list((tmp_path / "c").glob("train.h5.*")))
    assert done > 0 and not (tmp_path / "c/train.h5").exists()
    read.clear()
    broken.clear()
    path = setup(tmp_path / "c", collection)
    assert len(read) == 9 - done
    for found, expected in zip(pairs(path), pairs(setup(tmp_path / "one", collection)), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("part_bytes", [training_data.PART_BYTES, 2 * 6 * (33**2 + 29**2) * 4])
def test_images_too_small_for_a_sub_image_are_counted_apart(
    collection, tmp_path, monkeypatch, capsys, part_bytes
):
    monkeypatch.setattr(training_data, "PART_BYTES", part_bytes)
    broken = collection / "a/2/2.png"
    broken.write_bytes(broken.read_bytes()[:300])
    for number, height in ((10, 32), (11, 35), (12, 33)):  # 35 is cut to 33, as much as --image_size asks for
        utils.imsave(np.full((height, 40, 1), 0.5), collection / f"a/{number}.png")
    for _ in range(2):  # the second time from the file
        assert main.main(flags(collection, tmp_path / "c", *SMALL, "--skip_broken")) == 0
        said = capsys.readouterr().out
        assert f"{8 * 6 + 2} sub-images of 10 images in" in said
        assert "\nleft out 1 of 12 images, which are smaller than --image_size 33\n" in said


def test_a_file_that_does_not_count_small_images_is_used_again(collection, tmp_path, capsys):
    """As those are that were prepared before they were counted; the settings are what they were."""
    assert main.main(flags(collection, tmp_path / "c", *SMALL)) == 0
    path = tmp_path / "c/train.h5"
    with h5py.File(path, "r+") as hf:
        del hf.attrs["small"]
        settings = '{"image_size": 33, "label_size": 29, "stride": 14, "scale": 3, "degradation": "matlab", '
        assert hf.attrs["settings"].startswith(settings + '"colour": "y", "sources": ')
    before = path.stat().st_mtime_ns
    capsys.readouterr()
    assert main.main(flags(collection, tmp_path / "c", *SMALL)) == 0
    assert path.stat().st_mtime_ns == before and "sub-images of 9 images in" in capsys.readouterr().out


ODD = {
    **{f"{name} is {odd!r}": {name: odd} for name in ("images", "skipped", "stop") for odd in (-1, [1, 2])},
    **{f"{name} is a text": {name: "odd"} for name in ("length", "skipped", "small", "stop", "parts")},
    **{f"parts is {number}": {"parts": number} for number in (-1, 0, 2**62)},
    **{
        f"shapes is {text}": {"shapes": text}
        for text in ('{"data": [9, 33, 33, 1]}', "{}", "[]", '{"x": [1]}')
    },
}


@pytest.mark.parametrize("odd", ODD)
def test_a_training_file_with_odd_attributes_is_made_anew(photographs, tmp_path, odd):
    path = setup(tmp_path / "c", photographs)
    whole = pairs(path)
    with h5py.File(path, "r+") as hf:
        for name, value in ODD[odd].items():
            hf.attrs[name] = value
        before = {name: np.array(hf.attrs[name]).tolist() for name in ODD[odd]}
        del hf["label"]
        hf["label"] = whole[1][:0] if odd.startswith("shapes") else whole[1]
    assert setup(tmp_path / "c", photographs) == path
    with h5py.File(path) as hf:
        assert all(np.array(hf.attrs.get(name)).tolist() != value for name, value in before.items())
    assert all(np.array_equal(*both) for both in zip(pairs(path), whole, strict=True))


def test_broken_images_are_named_and_left_out_if_asked(collection, tmp_path, capsys):
    broken = collection / "a/2/2.png"
    broken.write_bytes(broken.read_bytes()[:300])
    with pytest.raises(InputError, match="--skip_broken"):
        setup(tmp_path / "c", collection)
    for _ in range(2):
        assert main.main(flags(collection, tmp_path / "c", *SMALL, "--skip_broken")) == 0
        output, errors = capsys.readouterr()
        assert "of 8 images" in output and "left out 1 images that cannot be used" in output
    assert errors == ""  # prepared before
    with h5py.File(tmp_path / "c/train.h5") as hf:
        assert hf.attrs["skipped"] == 1 and len(hf["data"]) == 8 * 6
    shutil.rmtree(tmp_path / "c")
    held_out = *SMALL, "--validation", 5  # the first five, among them the broken one
    assert main.main(flags(collection, tmp_path / "c", *held_out)) == 2
    assert "--skip_broken" in capsys.readouterr().err
    assert main.main(flags(collection, tmp_path / "c", *held_out, "--skip_broken")) == 0
    output, errors = capsys.readouterr()
    assert "of 4 images" in output and "validation_psnr" in output
    assert "2.png" in errors and errors.count("left out") == errors.count("\n") == 1


def test_other_images_replace_the_parts_of_before(collection, tmp_path, monkeypatch):
    monkeypatch.setattr(training_data, "PART_BYTES", 1)
    setup(tmp_path / "c", collection)
    others = ["train.h5.20240115", "train.h5.backup", "train.h5.notes-00001"]
    for name in others:
        shutil.copy(tmp_path / "c/train.h5", tmp_path / "c" / name)
    shutil.rmtree(collection / "a")
    setup(tmp_path / "c", collection)
    names = sorted(path.name for path in (tmp_path / "c").glob("train.h5.*"))
    assert names == [*(f"train.h5.0000{number}" for number in range(4)), *others]
    (tmp_path / "c/train.h5.00007").write_bytes(b"mine")
    shutil.rmtree(collection / "b/1")
    monkeypatch.setattr(utils, "preprocess", None)  # said before the work
    with pytest.raises(InputError, match=r"h5\.00007: is damaged, or was not written by this program"):
        setup(tmp_path / "c", collection)


@pytest.mark.parametrize("several", [False, True])
def test_a_disk_that_fills_at_the_end_of_a_preparation_harms_no_part(
    collection, tmp_path, monkeypatch, several
):
    if several:
        monkeypatch.setattr(training_data, "PART_BYTES", 1)
    whole, folder = h5py.File, tmp_path / "c"

    def opened(file, mode="r", **more):
        assert mode == "r" or isinstance(file, hdf5.Output), f"{file} would be written to without a net"
        return whole(file, mode, **more)

    class Full(hdf5.Output):
        def write(self, data):
            if (folder / "train.h5.00008").exists():
                self.error = OSError(errno.ENOSPC, "No space left on device")
            return super().write(data)

    monkeypatch.setattr(h5py, "File", opened)
    with monkeypatch.context() as full:
        full.setattr(hdf5, "Output", Full)
        with pytest.raises(InputError, match=r"train\.h5: .*No space") if several else nullcontext():
            setup(folder, collection)
    monkeypatch.setattr(utils, "preprocess", None)
    assert setup(folder, collection).exists()
