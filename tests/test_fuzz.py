"""Some damaged files of every format, see fuzz.py; more of them by hand."""

import sys

import pytest

from tests import fuzz

pytestmark = pytest.mark.filterwarnings("ignore")  # Pillow's, of the damage


def test_damaged_pictures_are_read_or_refused(tmp_path):
    assert fuzz.pictures(1500, 25, tmp_path) == []


def test_the_fuzzer_notices_a_mistake(tmp_path, monkeypatch):
    monkeypatch.setattr("srcnn.images.tiff._check_kind", lambda page: 1 + None)
    (wrong, *_) = fuzz.pictures(200, 25, tmp_path, (".tif",))
    assert "TypeError" in wrong and list(tmp_path.iterdir())


@pytest.mark.parametrize("wrong, status", [([], 0), (["a mistake"], "a mistake")])
def test_the_exit_status_says_whether_anything_went_wrong(wrong, status, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["fuzz.py"])
    monkeypatch.setattr(fuzz, "pictures", lambda *how: wrong)
    monkeypatch.setattr(fuzz.tempfile, "mkdtemp", lambda **how: str(tmp_path))
    with pytest.raises(SystemExit) as end:
        fuzz.main()
    assert end.value.code == status


@pytest.mark.usefixtures("usual_signals")
def test_damaged_films_are_done_or_named(tmp_path):
    pytest.importorskip("av")
    assert not fuzz.films(12, 3, tmp_path)
