"""What README.md and docs/ tell people to type works."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import main
import utils
from srcnn.flags import all_flags
from srcnn.images import image_io

ROOT = Path(main.__file__).parent
PAGES = [ROOT / "README.md", ROOT / "README.zh.md", *sorted((ROOT / "docs").glob("*.md"))]


def is_ours(words):
    return words[:1] != ["-m"] or words[1].startswith("benchmarks.")


def commands():
    """Each call of a Python script in code, as words after `python`."""
    for page in PAGES:
        text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
        code = re.findall(r"^    .*", text, re.MULTILINE) + re.findall(r"`([^`]*)`", text)
        for line in code:
            for command in line.split("&&"):
                words = shlex.split(command)
                if words and Path(words[0]).name == "python" and is_ours(words[1:]):
                    yield pytest.param(words[1:], id=f"{page.name}: {' '.join(words[1:])}")


@pytest.mark.parametrize("words", list(commands()))
def test_every_command_is_one(words):
    script, *words = words
    if script == "-m":
        script = words[0].replace(".", "/") + ".py"
    assert (ROOT / script).is_file()
    if script == "main.py" and words != ["--help"]:
        main.parse(words)


def test_every_flag_is_one():
    known = all_flags().parser.format_help()
    for page in PAGES:
        for flag in re.findall(r"`(--\w+)", page.read_text("utf-8")):
            assert f"  {flag}" in known, (page.name, flag)


def test_the_front_page_can_be_taken_in():
    """Short paragraphs, code and tables aside, and not many of them."""
    blocks = re.split(r"\n\s*\n", (ROOT / "README.md").read_text("utf-8"))
    lengths = [len(block.split()) for block in blocks if not block.startswith(("    ", "|", "```"))]
    assert sum(lengths) <= 1200
    assert max(lengths) <= 100


def test_every_link_leads_to_a_file():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8")):
            if not target.startswith(("http://", "https://")):
                name, _, heading = target.partition("#")
                text = (page.parent / (name or page.name)).read_text("utf-8", "replace")
                headings = [
                    re.sub(r"[^\w -]", "", line).strip() for line in text.splitlines() if line[:1] == "#"
                ]
                assert not heading or heading in [h.lower().replace(" ", "-") for h in headings], target


def test_every_test_that_is_named_is_there():
    tests = "".join(path.read_text("utf-8") for path in sorted((ROOT / "tests").rglob("test_*.py")))
    for name in re.findall(r"`(test_\w+)", (ROOT / "docs/reliability.md").read_text("utf-8")):
        assert f"def {name}(" in tests, name


def test_the_lines_of_python_run(tmp_path):
    (code,) = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    y, x = np.mgrid[:40, :52] / 40
    utils.imsave(np.stack([y, x / 2, (y + x) / 3], axis=2), tmp_path / "photo.jpg")
    run = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}\nimport numpy; numpy.save('x.npy', larger)"
    subprocess.run([sys.executable, "-c", run], cwd=tmp_path, check=True, timeout=600)
    small, large = image_io.read(tmp_path / "photo.jpg").pixels, np.load(tmp_path / "x.npy")
    assert large.shape == (80, 104, 3)
    assert np.abs(large[::2, ::2].astype(int) - small).mean() < 5


def test_both_readmes_have_the_same_commands_and_numbers():
    english, chinese = ((ROOT / name).read_text("utf-8") for name in ("README.md", "README.zh.md"))
    for pattern in (r"^    python.*", r"^\| 9-.*"):
        found = re.findall(pattern, chinese, re.MULTILINE)
        assert found and set(found) <= set(re.findall(pattern, english, re.MULTILINE))
    assert re.findall(r"^\| 9-.* x\d.*", chinese, re.MULTILINE) == re.findall(
        r"^\| 9-.* x\d.*", english, re.MULTILINE
    )
    assert set(re.findall(r"\d+\.\d+ dB", chinese)) <= set(re.findall(r"\d+\.\d+ dB", english))
