"""The files of this package that are made from the component and from the rules for what may leave."""

from __future__ import annotations

import functools
import json
from importlib import resources
from typing import Any


@functools.cache
def data(name: str) -> bytes:
    """The content of a file."""
    return resources.files(__package__).joinpath("data", name).read_bytes()


# What may leave: `platforms/egress.json`, the same for every host.
EGRESS: dict[str, list[Any]] = json.loads(data("egress.json"))
