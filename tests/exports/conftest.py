"""The page that enlarges, and what does so in it."""

import pytest

import main
from tests.helpers.web import finished


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """The page with 9-1-5 and 9-5-5-5 for JPEG, and that with 9-1-5 alone."""
    folder = tmp_path_factory.mktemp("exported")
    words = ["--is_train", "False", "--checkpoint_dir", str(folder / "none"), "--export"]
    assert main.main([*words, str(folder / "usual.html")]) == 0
    jpeg = ["--filters", "9-5-5-5", "--scale", "2", "--degradation", "jpeg"]
    assert main.main([*words, str(folder / "more.html"), *jpeg]) == 0
    return folder


@pytest.fixture
def enlarged(exported, show):
    """Enlarges files in the page; gives it when all are done."""

    def run(*paths, network="2x, 9-1-5", page=None, way="auto", count=None):
        page = page or show(exported / ("usual.html" if network[1:] == "x, 9-1-5" else "more.html"))
        page.get_by_label("Enlarge").select_option(network)
        page.get_by_label("Run on").select_option(way)
        page.get_by_label("Files").set_input_files([str(path) for path in paths])
        finished(page, count or len(paths))
        return page

    return run
