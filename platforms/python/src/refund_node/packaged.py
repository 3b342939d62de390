"""The files of this package that are made from the component and from the rules for what may leave."""

from __future__ import annotations

import functools
import json
from importlib import resources
from typing import TypedDict


class Request(TypedDict):
    """A request that the operations send."""

    method: str
    origin: str
    path: str


class Egress(TypedDict):
    """What may leave: `platforms/egress.json`, the same for every host."""

    requests: list[Request]
    forbidden_headers: list[str]
    ipv4_inside: list[str]
    special_networks: list[str]


@functools.cache
def data(name: str) -> bytes:
    """The content of a file."""
    return resources.files(__package__).joinpath("data", name).read_bytes()


EGRESS: Egress = json.loads(data("egress.json"))
