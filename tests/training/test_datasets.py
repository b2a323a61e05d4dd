"""Where images come from, with an archive served from this machine."""

import hashlib
import http.server
import io
import threading
import zipfile

import numpy as np
import pytest

import main
import utils
from srcnn.system.errors import InputError
from srcnn.training import datasets


@pytest.fixture
def images(tmp_path, monkeypatch):
    """Five small images of the program's own, whose sums take the place of the data sets'."""
    names = (
        "Train/t1.bmp",
        "Train/t2.bmp",
        "Train/twin.bmp",
        "Test/Set5/a.bmp",
        "Test/Set5/b.bmp",
        "Test/Set14/c.bmp",
    )
    made = {}
    for i, name in enumerate(names):
        i = 1 if "twin" in name else i  # two of the 91 images are the same
        utils.imsave(np.random.default_rng(i).random((9, 9, 3)), tmp_path / "made.bmp")
        made[name] = (tmp_path / "made.bmp").read_bytes()
    sums = tmp_path / "SUMS"
    sums.write_text("".join(f"{hashlib.sha256(made[name]).hexdigest()}  ./{name}\n" for name in made))
    monkeypatch.setattr(datasets, "SUMS", sums)
    monkeypatch.chdir(tmp_path)
    return made


def archive(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in files.items():
            zipped.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture
def serve():
    """Serves bytes from a port of this machine; returns the address."""
    servers = []

    def start(content, length=None):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(length or len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *arguments):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/images.zip"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def written(tmp_path):
    return sorted(
        str(p.relative_to(tmp_path)) for folder in ("Train", "Test") for p in (tmp_path / folder).rglob("*.*")
    )


def test_a_good_archive_fills_the_folders(tmp_path, images, serve, capsys):
    moved = {f"deep/down/{i}": content for i, content in enumerate(images.values())}
    url = serve(archive(moved | {"readme.txt": b"other", "evil.bmp": b"other"}))
    assert main.main(["--download", "--download_from", url]) == 0
    assert written(tmp_path) == sorted(images)
    for name, content in images.items():
        assert (tmp_path / name).read_bytes() == content
    assert main.main(["--download", "--download_from", "http://127.0.0.1:9/"]) == 0
    assert "already there" in capsys.readouterr().out


def test_sources_complete_each_other(tmp_path, images, serve):
    first = {name: content for name, content in images.items() if "Train" in name}
    rest = {name: content for name, content in images.items() if "Test" in name}
    datasets.download(["http://127.0.0.1:9/refused.zip", serve(archive(first)), serve(archive(rest))])
    assert written(tmp_path) == sorted(images)


def test_hostile_paths_write_nothing_outside(tmp_path, images, serve):
    inside = tmp_path / "inside"
    inside.mkdir()
    names = "../t1.bmp", "/tmp/t2.bmp", "..\\a.bmp", "/twin", "Train/../../b.bmp", "C:c.bmp"
    hostile = dict(zip(names, images.values(), strict=True))
    before = sorted(tmp_path.iterdir())
    datasets.download([serve(archive(hostile | {"../other.txt": b"x"}))], inside)
    assert written(inside) == sorted(images)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("kind", ["truncated", "cut", "tampered", "not a zip", "refused", "incomplete"])
def test_a_bad_source_leaves_no_half_filled_folder(tmp_path, images, serve, fails, kind):
    good = archive(images)
    if kind == "truncated":  # less than announced
        url = serve(good[: len(good) // 2], len(good))
    elif kind == "cut":
        url = serve(good[: len(good) // 2])
    elif kind == "tampered":
        changed = {name: content[:-1] + bytes([content[-1] ^ 1]) for name, content in images.items()}
        url = serve(archive(changed))
    elif kind == "not a zip":
        url = serve(b"<html>moved</html>")
    elif kind == "refused":
        url = "http://127.0.0.1:9/images.zip"
    else:
        url = serve(archive({"t1.bmp": images["Train/t1.bmp"]}))
    assert "--download_from" in fails("--download", "--download_from", url)
    assert written(tmp_path) == []


def test_an_image_of_the_users_is_not_overwritten(tmp_path, images, serve, fails):
    (tmp_path / "Train").mkdir()
    (tmp_path / "Train/t1.bmp").write_bytes(b"my own")
    assert "t1.bmp" in fails("--download", "--download_from", serve(archive(images)))
    assert (tmp_path / "Train/t1.bmp").read_bytes() == b"my own"


def test_the_sums_are_of_the_91_images_set5_and_set14(data):
    counts = {}
    for path, digest in datasets.known_sums().items():
        assert hashlib.sha256((data / path).read_bytes()).hexdigest() == digest
        counts[path.parent.as_posix()] = counts.get(path.parent.as_posix(), 0) + 1
    assert counts == {"Train": 91, "Test/Set5": 5, "Test/Set14": 14}


def test_without_images_the_photographs_of_scikit_image_serve(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    found = {kind: utils.find_images(None, kind) for kind in ("train", "test")}
    assert capsys.readouterr().err.count("--download") == 2
    assert not set(found["train"]) & set(found["test"])
    for path in found["train"] + found["test"]:
        assert min(utils.imread(path).shape[:2]) >= 150
    with pytest.raises(InputError, match="Train"):
        utils.find_images("Train", "train")
