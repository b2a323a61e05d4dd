"""Files that the program wrote and reads back: anybody may have changed them since."""

import json
import os
from pathlib import Path
from typing import Any

from srcnn.system.errors import InputError


def check_regular(path: Path) -> None:
    """Raises InputError if something is at a path that is no file: of a pipe the end would be waited for."""
    if os.path.lexists(path) and not path.is_file():
        raise InputError(f"{path}: is not a regular file; move it away")


def json_object(text: str | bytes) -> dict[str, Any]:
    """A JSON object from its text. Raises ValueError for anything else, however deep it is nested."""
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value
