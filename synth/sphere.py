"""Potentials on the scalp of dipoles in a head of four spherical shells.

The shells (brain, fluid, skull, scalp) act like one homogeneous sphere with three dipoles in place
of each (Berg & Scherg 1994, Electroencephalogr Clin Neurophysiol 90:58); the closed form for the
homogeneous sphere is that of Zhang (1995, Phys Med Biol 40:335). Potentials are against the mean of
both ear points, as in measured recordings.
"""

import numpy as np

CENTRE = np.array([0.0, 0.018, 0.045])  # m, of the sphere through 10-20 positions in the head frame
RADIUS = 0.095  # m
EARS = np.array([[-0.082, -0.018, -0.045], [0.082, -0.018, -0.045]])  # m from the centre
EARS /= np.linalg.norm(EARS, axis=1, keepdims=True)
# fit for radii 0.90, 0.92, 0.97, 1 and conductivities 0.33, 1, 0.004, 0.33 S/m (MNE's
# defaults); weights in m/S
DEPTH = np.array([0.94483599, 0.66776042, -0.29131729])
WEIGHT = np.array([0.41471420, 2.07180171, -0.03085045])


def directions(position: np.ndarray) -> np.ndarray:
    """Unit directions (position, 3) from the sphere's centre; NaN for unknown or flat positions.

    Examples
    --------
    >>> directions(np.array([[0, 0.018, 0.14]])).round(3).tolist()
    [[0.0, 0.0, 1.0]]
    """
    place = np.asarray(position, float)
    known = place[np.isfinite(place).all(axis=1)]
    flat = len(known) > 1 and bool((known[:, 2] == 0).all())
    unknown = (np.linalg.norm(place, axis=1, keepdims=True) < 1e-6) | flat
    away = np.where(unknown, np.nan, place - CENTRE)
    length = np.linalg.norm(away, axis=1, keepdims=True)
    return away / np.where(length > 0.02, length, np.nan)


def lead_field(direction: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Potential (position, source, 3) [V per A m] on the scalp of dipoles along x, y and z.

    Parameters
    ----------
    direction : array (position, 3)
        Directions of positions on the scalp from the sphere's centre.
    source : array (source, 3)
        Positions of the dipoles from the sphere's centre, in radii of the sphere; inside the brain
        (below 0.9) and not in the centre.

    Examples
    --------
    >>> top, left = np.array([[0.0, 0, 1]]), np.array([[-1.0, 0, 0]])
    >>> dipole = np.array([[0, 0, 0.8]])
    >>> bool(lead_field(top, dipole)[0, 0, 2] > 10 * abs(lead_field(left, dipole)[0, 0, 2]))
    True
    """
    at = RADIUS * np.asarray(direction, float)[:, None]
    field = np.zeros((len(direction), len(source), 3))
    for depth, weight in zip(DEPTH, WEIGHT, strict=True):
        dipole = RADIUS * depth * np.asarray(source, float)[None]
        between = at - dipole
        d = np.linalg.norm(between, axis=-1)
        along = (at * dipole).sum(axis=-1)
        size = (dipole**2).sum(axis=-1)
        flat = d * (RADIUS * d + RADIUS**2 - along)
        first = (2 * (between * dipole).sum(axis=-1) / d**3 + 1 / d - 1 / RADIUS) / size
        second = (2 / d**3 + (d + RADIUS) / (RADIUS * flat)) / size
        field += weight * (
            (first - second * along)[..., None] * dipole + (second * size)[..., None] * at
        )
    return field / (4 * np.pi)


def against_ears(direction: np.ndarray, source: np.ndarray, moment: np.ndarray) -> np.ndarray:
    """Gain (position, source) of dipoles of unit `moment` (source, 3) against the mean of the ears.

    Examples
    --------
    >>> up = np.array([[0.0, 0, 1]])
    >>> against_ears(EARS, 0.8 * up, up).sum().round(9).item()
    0.0
    """
    gain = np.einsum("psi,si->ps", lead_field(direction, source), moment)
    ears = np.einsum("psi,si->ps", lead_field(EARS, source), moment)
    return gain - ears.mean(axis=0)
