"""What several tests need of folders."""


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
