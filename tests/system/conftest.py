"""What several tests of the system need."""

import time

import pytest

from srcnn.system import windows


@pytest.fixture
def on_windows(monkeypatch):
    """What asks where it runs is told so; waiting takes no time."""
    monkeypatch.setattr(windows, "HERE", True)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
