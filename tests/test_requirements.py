"""requirements.txt, and the versions that were tested."""

from collections import defaultdict

import pytest
from packaging.requirements import Requirement

from tests.conftest import ROOT

NEW_INTERFACES = {"av", "h5py", "numpy", "opencv-python-headless", "pillow", "tifffile"}


def lines(name):
    found = (ROOT / name).read_text().splitlines()
    return [Requirement(line) for line in found if line and line[0] not in "#-"]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_package_has_the_bounds_that_it_needs(name):
    for package in lines(name):
        kinds = {bound.operator for bound in package.specifier}
        assert kinds == ({">=", "<"} if package.name in NEW_INTERFACES else {">="}), package


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_the_versions_that_were_tested_lie_within_the_bounds(python):
    versions = defaultdict(list)
    for package in lines("constraints.txt"):
        if not package.marker or package.marker.evaluate({"python_version": python}):
            (bound,) = package.specifier
            assert bound.operator == "=="
            versions[package.name].append(bound.version)
    assert all(len(found) == 1 for found in versions.values())
    for package in lines("requirements.txt") + lines("requirements-dev.txt"):
        (version,) = versions[package.name]
        assert package.specifier.contains(version), package
