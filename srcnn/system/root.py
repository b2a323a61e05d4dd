"""Where main.py, model.py, utils.py and what comes with them lie: in the repository, or in the package."""

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
ROOT = _PACKAGE / "root" if (_PACKAGE / "root").is_dir() else _PACKAGE.parent  # the first: installed by pip
