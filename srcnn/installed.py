"""After `pip install .`: the command `srcnn`, and main, model and utils on the path of who imports this."""

import runpy
import sys

from srcnn.system.root import ROOT

sys.path.insert(0, str(ROOT))


def command():
    """What `python main.py` does."""
    runpy.run_path(str(ROOT / "main.py"), run_name="__main__")
