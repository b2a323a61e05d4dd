"""What is said of image files that cannot be read."""

from contextlib import contextmanager
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from srcnn.images import decoders
from srcnn.images.decoders import UnsupportedImage
from srcnn.system.errors import InputError
from srcnn.system.folders import FOREIGN


@contextmanager
def refusing(path, largest):
    """Turns whatever decoders raise, but no mistake of ours, into an InputError that names the file.

    largest: pixels that are decoded.
    """
    try:
        yield
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except UnidentifiedImageError as error:
        kind = FOREIGN.get(Path(path).suffix.lower())
        what = f"{kind}, which is not read" if kind else "damaged, or not of a supported image format"
        raise InputError(f"{path}: {what}; replace it, or save it as PNG") from error
    except (Image.DecompressionBombError, MemoryError) as error:
        raise InputError(
            f"{path}: more than {largest:,} pixels, or too large for memory; scale it down or crop it first"
        ) from error
    except UnsupportedImage as error:
        raise InputError(f"{path}: {error}") from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            raise InputError(
                f"{path}: cannot be read: {error.strerror}; correct that, or leave the file out"
            ) from error
        if not decoders.raised(error):
            raise
        reason = " ".join(str(error).replace(str(path), "it").split()) or type(error).__name__
        raise InputError(f"{path}: cannot be read as an image ({reason}); replace or remove it") from error
