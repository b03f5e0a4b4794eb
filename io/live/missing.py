"""How many samples of a stream are missing, where stamps jitter by about a step or more."""

import math

STATES = range(-2, 5)  # samples missing beyond those known; below 0: more samples than places
WILD = 0.01  # share of stamps that mean nothing
WILD_SPREAD = 20.0  # standard deviations of jitter over which those scatter
ENOUGH = 0.9  # mean number from which samples count as missing: fewer mistakes, found a bit later
SURE = 1 - 1e-6  # probability from which a number is beyond doubt
LOSS = 1e-4  # share of samples that is expected to get lost until something is known
MEMORY = 1e-3  # share of a sample in the running estimate of losses
UNDONE = 0.05  # how often a loss turns out to be none, for every loss


class Missing:
    """The number of samples that are missing by now, followed from stamp to stamp.

    One late stamp is jitter; after a lost sample all later ones stay late by a whole step. A hidden
    Markov chain weighs both: how often samples get lost in this stream, and how late stamps are.

    Examples
    --------
    >>> missing = Missing()
    >>> found = [missing.update(late, 0.004, 0.002, 1) for late in [0.0] * 9 + [0.004] * 9]
    >>> sum(found)
    1
    """

    def __init__(self) -> None:
        self.loss = LOSS
        self._weights = [0.0] * len(STATES)
        self.forget()

    def forget(self) -> None:
        """How many are missing is known now."""
        self._weights = [float(state == 0) for state in STATES]
        self._sure = True

    @property
    def expected(self) -> float:
        """Mean number of missing samples beyond those that `update` has returned."""
        return sum(state * weight for state, weight in zip(STATES, self._weights, strict=True))

    def update(self, late: float, step: float, jitter: float, samples: int) -> int:
        """Take in a stamp that comes `samples` after the last and is `late` [s].

        Returns
        -------
        int
            How many samples are missing now; below 0 if there are too many. It is taken as known:
            the next stamps are expected to be late by as many steps less.
        """
        if self._sure and abs(late) < step / 4 and jitter < step / 8:  # beyond doubt
            self.loss = max(self.loss * (1 - MEMORY * samples), LOSS)
            return 0
        lost = min(self.loss * samples, 0.5)
        found = UNDONE * lost
        before = [0.0, *self._weights, 0.0]
        weights = []
        for place, state in enumerate(STATES, start=1):
            weight = (1 - lost - found) * before[place]
            weight += lost * before[place - 1] + found * before[place + 1]
            apart = (late - state * step) / jitter
            likely = (1 - WILD) * math.exp(-0.5 * apart * apart) / 2.5066 + WILD / WILD_SPREAD
            weights.append(weight * likely)
        total = sum(weights)
        self._weights = [weight / total for weight in weights]
        self._sure = self._weights[-STATES[0]] > SURE
        expected = self.expected
        missing = round(expected) if abs(expected) > ENOUGH else 0
        if missing > 0:
            self._weights = [*self._weights[missing:], *[0.0] * missing]
        elif missing < 0:
            self._weights = [*[0.0] * -missing, *self._weights[:missing]]
        self.loss = max(self.loss + MEMORY * (missing - samples * self.loss), LOSS)
        return missing
