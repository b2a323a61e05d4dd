"""Every shipped model on Set5 and Set14, beside the paper, as Markdown.

python benchmarks/reproduce.py [folder with Set5 and Set14, default Test]
"""

import contextlib
import io
import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import main  # noqa: E402

SHIPPED = [  # (filters, scale, degradation), read from the folders' names
    (filters, int(scale[1:]), degradation)
    for _, filters, scale, degradation in (
        folder.name.split("_") for folder in sorted((ROOT / "checkpoint/shipped").glob("srcnn_*"))
    )
]


def run(test_dir, filters, scale, degradation):
    """results.json of one test run with the shipped weights."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as said:
        words = f"--is_train False --scale {scale} --filters {filters} --degradation {degradation}"
        folders = ["--test_dir", str(test_dir), "--sample_dir", folder, "--checkpoint_dir", folder]
        if main.main([*words.split(), "--stride", "17", *folders]):
            raise SystemExit(said.getvalue())
        return json.loads((Path(folder) / "results.json").read_text())


def cell(value, digits=2):
    return "-" if value is None else f"{value:.{digits}f}"


def table(tests):
    lines = []
    for name in ("Set5", "Set14"):
        lines += [
            f"| {name} average | inputs | bicubic PSNR / SSIM | SRCNN PSNR / SSIM | paper | gain |",
            "|---|---|---:|---:|---:|---:|",
        ]
        details = ["", f"| {name}, 9-1-5 | scale | bicubic | SRCNN | paper |", "|---|---|---:|---:|---:|"]
        for filters, scale, degradation in SHIPPED:
            results = run(Path(tests) / name, filters, scale, degradation)
            average = results["average"]
            bicubic, srcnn = (
                f"{cell(average[f'{kind}_psnr'])} / {cell(average[f'{kind}_ssim'], 4)}"
                for kind in ("bicubic", "srcnn")
            )
            gain = average["srcnn_psnr"] - average["bicubic_psnr"]
            lines.append(
                f"| {filters} x{scale} | {degradation} | {bicubic} | {srcnn} "
                f"| {cell(average['paper_srcnn_psnr'])} | {cell(gain)} |"
            )
            if name == "Set5" and filters == "9-1-5" and degradation == "matlab":
                details += [
                    f"| {image} | x{scale} | {cell(entry['bicubic_psnr'])} | {cell(entry['srcnn_psnr'])} "
                    f"| {cell(entry['paper_srcnn_psnr'])} |"
                    for image, entry in results["images"].items()
                ]
        lines += [*(details if name == "Set5" else []), ""]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(sys.argv[1] if len(sys.argv) > 1 else "Test"))
