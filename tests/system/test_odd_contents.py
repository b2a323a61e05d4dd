"""Bytes changed at random in what the program reads back of itself: read, left out, or one error."""

import pytest

from tests import fuzz
from tests.helpers import own_files


@pytest.mark.parametrize("read", own_files.SEEDS, ids=lambda read: read.__name__)
def test_changed_bytes_are_one_error_or_none(tmp_path, read):
    assert fuzz.own(150, 0, tmp_path, [read]) == []
