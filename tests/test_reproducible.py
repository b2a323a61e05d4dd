"""The same numbers by whatever number of threads, and in every place and language."""

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT, save_photographs
from tests.helpers.programs import python


def scores(folder, sample, *words):
    """PSNR of every image as a fresh process finds them."""
    done = subprocess.run(
        [*words, sys.executable, ROOT / "main.py", "--is_train", "False", "--test_dir", folder],
        cwd=sample,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads((sample / "sample/results.json").read_text())["images"]


THREADS = """
import sys
from srcnn.tf1 import tf
count = int(sys.argv[1])
tf.config.threading.set_intra_op_parallelism_threads(count)
tf.config.threading.set_inter_op_parallelism_threads(count)
import main
for words in " ".join(sys.argv[2:]).split(" then "):
    if main.main(words.split()):
        sys.exit(2)
"""


@pytest.fixture(scope="module")
def by_threads(tmp_path_factory):
    """What processes of one and of two threads find: PSNR by image, with shipped and own weights."""
    found = {}
    folder = tmp_path_factory.mktemp("threads")
    save_photographs(folder / "photographs")
    for threads in (1, 2):
        place = folder / str(threads)
        place.mkdir()
        shared = "--test_dir ../photographs --train_dir ../photographs --batch_size 8 --epoch 3"
        words = [f"--is_train False {shared} --sample_dir shipped"]
        seeds = range(4 if threads == 1 else 1)
        for seed in seeds:
            words.append(f"{shared} --seed {seed} --checkpoint_dir c{seed}")
            words.append(f"--is_train False {shared} --checkpoint_dir c{seed} --sample_dir s{seed}")
        done = python(THREADS, threads, " then ".join(words), cwd=place)
        assert done.returncode == 0, done.stderr
        for name in ("shipped", *(f"s{seed}" for seed in seeds)):
            entries = json.loads((place / name / "results.json").read_text())["images"]
            found[threads, name] = {image: entry["srcnn_psnr"] for image, entry in entries.items()}
    return found


def test_one_thread_or_two_test_alike(by_threads):
    """With given weights, to 0.001 dB: sums are rounded in another order."""
    assert by_threads[1, "shipped"] == pytest.approx(by_threads[2, "shipped"], abs=1e-3)


def test_one_thread_or_two_train_alike(by_threads):
    """Rounding grows in training, to less than what a seed changes: how far four of them are apart."""
    for name, psnr in by_threads[1, "s0"].items():
        seeds = [by_threads[1, f"s{seed}"][name] for seed in range(4)]
        assert len(set(seeds)) == 4
        assert abs(by_threads[2, "s0"][name] - psnr) < max(seeds) - min(seeds)


def test_the_same_in_every_place_and_language(photographs, tmp_path):
    """Working directory, relative paths, locale, hash seed: no number depends on them."""
    here, there = tmp_path / "here", tmp_path / "there/deeper"
    for folder in (here, there):
        folder.mkdir(parents=True)
    expected = scores(photographs, here)
    odd = "env", "LC_ALL=tr_TR.UTF-8", "LANG=de_DE", "PYTHONHASHSEED=7", "TZ=Asia/Kathmandu"
    assert scores(os.path.relpath(photographs, there), there, *odd) == expected
    assert scores(photographs, there, "env", "LC_ALL=C") == expected
