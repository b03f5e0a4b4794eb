"""Shapley values: what each player adds to what a coalition reaches."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import factorial
from typing import Any


def shapley(value: Mapping[frozenset[str], Any], players: Sequence[str]) -> dict[str, Any]:
    """Shapley values of all players, exact.

    Examples
    --------
    >>> value = {frozenset(): 0.0, frozenset("a"): 1.0, frozenset("b"): 0.0, frozenset("ab"): 3.0}
    >>> shapley(value, ("a", "b"))
    {'a': 2.0, 'b': 1.0}
    """
    found = {}
    for player in players:
        others = [one for one in players if one != player]
        total = 0.0
        for size in range(len(players)):
            order = factorial(size) * factorial(len(players) - size - 1) / factorial(len(players))
            for part in combinations(others, size):
                inside = frozenset(part)
                total = total + order * (value[inside | {player}] - value[inside])
        found[player] = total
    return found
