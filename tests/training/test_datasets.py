"""Where images come from, with an archive served from this machine."""

import hashlib
import http.server
import io
import socket
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


def test_what_came_meanwhile_is_not_replaced(tmp_path, images, serve, fails, monkeypatch):
    """Nothing of a folder stays if one of its files cannot be placed."""
    arrived, fetch = tmp_path / "Train/twin.bmp", datasets.fetch

    def slow(*words):
        fetch(*words)
        arrived.parent.mkdir()
        arrived.write_bytes(b"mine")

    url = serve(archive(images))
    monkeypatch.setattr(datasets, "fetch", slow)
    monkeypatch.chdir(tmp_path)
    assert main.main(["--download", "--download_from", url]) == 2
    assert arrived.read_bytes() == b"mine"
    assert [name for name in written(tmp_path) if "Train" in name] == ["Train/twin.bmp"]


def test_a_dangling_link_is_not_replaced(tmp_path, images, serve, fails):
    (tmp_path / "Train").mkdir()
    (tmp_path / "Train/t1.bmp").symlink_to("nowhere")
    assert "t1.bmp" in fails("--download", "--download_from", serve(archive(images)))
    assert (tmp_path / "Train/t1.bmp").is_symlink()


def test_broken_servers_and_archives_are_said(tmp_path, images, fails):
    def served(answer):
        with socket.create_server(("127.0.0.1", 0)) as server:

            def answering():
                connection, _ = server.accept()
                connection.recv(10_000)
                connection.sendall(answer)
                connection.close()

            threading.Thread(target=answering, daemon=True).start()
            return fails("--download", "--download_from", f"http://127.0.0.1:{server.getsockname()[1]}/a.zip")

    head = b"HTTP/1.1 200 OK\r\n"
    for answer in (
        b"nonsense\r\n\r\n",
        head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        head + b"Transfer-Encoding: chunked\r\n\r\n100\r\nshort",
        head + b"X: 1\r\n" * 300 + b"\r\n",
    ):
        assert "could not use" in served(answer)
    for address in ("http://127.0.0.1/with space.zip", "http://127.0.0.1:port/", "http://[::1/", "http://"):
        assert "could not use" in fails("--download", "--download_from", address)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damaged_archives_are_said(tmp_path, images, fails, method):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as zipped:
        for name, content in images.items():
            zipped.writestr(name, content)
    rng, good = np.random.default_rng(0), buffer.getvalue()
    for _ in range(60):
        damaged = np.frombuffer(good, np.uint8).copy()
        damaged[rng.integers(len(damaged), size=4)] = rng.integers(256, size=4)
        (tmp_path / "damaged.zip").write_bytes(damaged.tobytes())
        staging = tmp_path / "staging"
        staging.mkdir(exist_ok=True)
        datasets.stage([(tmp_path / "damaged.zip").as_uri()], set(images), staging)  # raises nothing
