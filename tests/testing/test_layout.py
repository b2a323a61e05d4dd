"""The table of a test and its summary."""

import pytest

from srcnn.networks.network import Network
from srcnn.testing import layout, table

NAMES = [f"{name}_GT" for name in ("baby", "bird", "butterfly", "head", "woman")]


def found(network, **values):
    scores = {metric: i / 16 for i, metric in enumerate(table.METRICS)}
    return table.results(network, "", dict.fromkeys(NAMES, scores | values))


def test_the_gain_stands_first_and_every_number_has_a_title_of_its_own():
    results = found(Network(), bicubic_psnr=30.0, srcnn_psnr=32.25)
    heading, first, *_, average = layout.rows(Network(), results)
    assert len(set(heading)) == len(heading) and heading[1] == "gain\n(dB)"
    assert (first[1], average[1]) == ("+2.25", "+2.25")
    assert average[-2:] == ["30.39", "32.39"] and heading[-2:] == ["paper (dB)\nbicubic", "paper (dB)\nSRCNN"]


def test_a_column_without_values_is_left_out():
    zoom = Network(degradation="zoom")  # which the paper has not
    heading, *_ = layout.rows(zoom, found(zoom))
    assert not [title for title in heading if "paper" in title or "Cb" in title]
    larger = Network(kernels=(9, 5, 5))
    _, first, *_, average = layout.rows(larger, found(larger))
    assert first[-1] == "" and average[-1] == "32.75"  # it has averages alone


@pytest.mark.parametrize("network", [Network(), Network(colour="rgb"), Network(degradation="zoom")])
def test_the_table_fits_into_100_columns(network):
    rows = layout.rows(network, found(network))
    text = layout.table(rows)
    assert max(map(len, text.splitlines())) <= 100
    assert all(word in text.split() for row in rows for cell in row for word in cell.split())


@pytest.mark.parametrize(("srcnn", "said"), [(32.5, "2.50 dB above"), (29.0, "1.00 dB below")])
def test_the_summary_says_what_came_out(srcnn, said):
    text = layout.summary(Network(), found(Network(), bicubic_psnr=30.0, srcnn_psnr=srcnn))
    assert f"{srcnn:.2f} dB, {said} bicubic (30.00 dB). The paper reports 32.39 dB" in text
    cleaned = Network(scale=1, degradation="jpeg")
    assert "above JPEG" in layout.summary(cleaned, found(cleaned, bicubic_psnr=30.0, srcnn_psnr=31.0))


def test_images_without_scores_have_a_summary_too():
    results = found(Network(), bicubic_psnr=None, srcnn_psnr=None)
    assert "No image" in layout.summary(Network(), results)
    assert layout.table(layout.rows(Network(), results))


def test_columns_that_do_not_fit_go_on_below():
    rows = [["9-1-5\nx3", *(f"column\n{i}" for i in range(20))], ["name", *map(str, range(20))]]
    blocks = [block.split("\n") for block in layout.table(rows).split("\n\n")]
    assert len(blocks) > 1 and all(len(line) <= 100 for block in blocks for line in block)
    assert [line.split()[0] for block in blocks for line in block] == ["9-1-5", "x3", "name"] * len(blocks)
    assert [cell for *_, line in blocks for cell in line.split()[1:]] == list(map(str, range(20)))
