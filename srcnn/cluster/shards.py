"""A test or an upscaling shared out over machines: who does which part of the files."""

from srcnn.system.errors import InputError
from srcnn.system.ledger import use_list


def shard_of(items: list, shard: tuple[int, int] | None) -> list:
    """Those of a list that are of a shard, (number from 1, count), by their position; all if it is None.

    From here on this process notes what it does in the list of that shard.
    """
    use_list(f"{shard[0]}-of-{shard[1]}" if shard else "")
    return items[shard[0] - 1 :: shard[1]] if shard else items


def check_none_missing(missing: list, count: int) -> None:
    """Raises InputError if there are items that no shard has done; count: of all."""
    if missing:
        raise InputError(
            f"--gather: {len(missing)} of {count} images are not done yet, such as {missing[0]}; "
            f"run the shards that have them"
        )
