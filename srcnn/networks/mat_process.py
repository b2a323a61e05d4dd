"""Reads a .mat file, as a process of its own: `python mat_process.py FILE SWELLING`.

Its arrays go to standard output as .npz. What is wrong with the file is the last line of standard error, with
exit status 1; in scipy a damaged one may also end the process. SWELLING: values of an array for each byte of
the file, with more of which it is not read.
"""

import io
import math
import sys
import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import scipy.io

KINDS = "double", "single", "char"  # classes of MATLAB's that weights have
MEMORY = 2**30  # bytes more than what the libraries take


def limit_memory():
    """Of what a file says of its inside, sizes come twice, of which one is looked at."""
    if sys.platform == "win32":  # which has no such limit
        return
    import resource

    limit = psutil.Process().memory_info().vms + MEMORY
    with suppress(ValueError, OSError):  # as macOS may
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def arrays_of(path, swelling):
    """The arrays of a file by name. Raises nearly everything."""
    warnings.simplefilter("ignore")
    found = [(name, math.prod(shape)) for name, shape, kind in scipy.io.whosmat(path) if kind in KINDS]
    count, size = sum(count for _, count in found), Path(path).stat().st_size
    if count > swelling * size:
        raise ValueError(f"claims to hold {count:,} values in {size:,} bytes")
    values = scipy.io.loadmat(path, variable_names=[name for name, _ in found])
    return {name: values[name] for name, _ in found}


if __name__ == "__main__":
    limit_memory()
    try:
        np.savez(found := io.BytesIO(), **arrays_of(sys.argv[1], int(sys.argv[2])))
    except Exception as error:
        sys.exit(f"{str(error).strip() or type(error).__name__}".splitlines()[0])
    sys.stdout.buffer.write(found.getvalue())
