"""What the C library does with the memory of arrays that are no longer needed."""

import ctypes
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # as mallopt of the GNU C library numbers its parameters
KEPT = 2**29  # bytes that are kept for later arrays
ARRAY = 2**25  # of arrays no larger than this


def keep_freed() -> None:
    """Keeps the memory of arrays for those that follow, in place of giving it back to the system.

    A film makes arrays of the same sizes for each frame, and the system clears all memory that it gives. Does
    nothing where the C library is another one.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(MMAP_THRESHOLD, ARRAY)
        mallopt(TRIM_THRESHOLD, KEPT)
