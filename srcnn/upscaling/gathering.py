"""An upscaling shared out over machines: what each notes, and what is gathered in the end."""

import sys
from collections.abc import Generator, Iterable

from srcnn.cluster.shards import check_none_missing
from srcnn.system import ledger
from srcnn.system.ledger import failures, note_failure
from srcnn.system.output_paths import naming
from srcnn.system.progress import say
from srcnn.upscaling.work import Upscaled, Work


def noting(results: Iterable[Upscaled], work: list[Work]) -> Generator[Upscaled, None, None]:
    """Passes on what a shard upscaled; why a file cannot be is noted, so that nobody waits for it.

    work: that gives these results, which is not begun yet.

    That is so if the error names it. A target that is in the way, and what a system may do better another
    time (a full disk, too little memory), is no reason.
    """
    known = {item.source: ledger.identity_if_there(item.source) for item in work}
    for item in results:
        cause = item.error and item.error.__cause__
        passes = isinstance(cause, MemoryError) or (isinstance(cause, OSError) and cause.errno)
        if item.error and str(item.error).startswith(f"{item.source}: ") and not passes:
            about = {"input": known[item.source], "reason": str(item.error)}
            with naming(item.target):
                note_failure(item.target, about)
        yield item


def check_gathered(work: list[Work], missing: list[Work]) -> list[Work]:
    """What machines that shared an upscaling could not do: those of its work that are left out.

    missing: the part of the work without results. Those that cannot be used are named.
    Raises InputError if others are missing.
    """
    noted = {folder: failures(folder) for folder in {item.target.parent for item in missing}}
    reasons = [why_not(item, noted[item.target.parent]) for item in missing]
    undone = [item.source for item, reason in zip(missing, reasons, strict=True) if not reason]
    check_none_missing(undone, len(work))
    for reason in reasons:
        say(f"main.py: error: {reason}", sys.stderr)
    return missing


def why_not(item: Work, noted: dict) -> str | None:
    """Why a file cannot be upscaled, as is known here or noted by a shard; None if nothing is known."""
    if item.error:
        return str(item.error)
    places = [path.name for path in (item.target, item.other) if path]
    about: dict = next((noted[name] for name in places if name in noted), {})
    return str(about.get("reason")) if about.get("input") == ledger.identity_if_there(item.source) else None
