"""What several tests need of folders."""

from pathlib import Path


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refuse(*names):
    """An `open` that may not read files of these names, as it is for nobody but root."""

    def refusing(path, *how, **more):
        if Path(path).name in names:
            raise PermissionError(13, "Permission denied", str(path))
        return open(path, *how, **more)

    return refusing
