"""Sensor places of simulated recordings: 10-20 electrodes, motor fNIRS grid [m, head frame]."""

import numpy as np

HEAD_RADIUS = 0.095  # m

# name: (azimuth from the right ear towards the nose, elevation from the ear plane) [degrees]
ELECTRODES = {
    "Fp1": (108, 0), "Fp2": (72, 0), "F7": (144, 0), "F3": (129, 35), "Fz": (90, 45),
    "F4": (51, 35), "F8": (36, 0), "T7": (180, 0), "C3": (180, 45), "Cz": (90, 90),
    "C4": (0, 45), "T8": (0, 0), "P7": (216, 0), "P3": (231, 35), "Pz": (270, 45),
    "P4": (309, 35), "P8": (324, 0), "O1": (252, 0), "O2": (288, 0),
}  # fmt: skip


def on_head(azimuth: np.ndarray, elevation: np.ndarray) -> np.ndarray:
    """Places (…, 3) [m] on a spherical head from angles [degrees]."""
    a, e = np.deg2rad(azimuth), np.deg2rad(elevation)
    return HEAD_RADIUS * np.stack([np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)], -1)


def electrodes() -> tuple[list[str], np.ndarray]:
    """Names and places (channel, 3) of the 19 electrodes of the 10-20 system."""
    return list(ELECTRODES), on_head(*np.array(list(ELECTRODES.values()), float).T)


def optodes() -> tuple[list[str], list[str], np.ndarray, np.ndarray]:
    """Source and detector names and places of 16 pairs over both motor areas, about 3 cm apart."""
    source, detector, source_at, detector_at = [], [], [], []
    for side, centre in enumerate((180.0, 0.0)):
        rows = np.array([28.0, 46.0, 64.0])
        grid = [(centre + s * 18 / np.cos(np.deg2rad(r)), r) for r in rows for s in (-0.5, 0.5)]
        sources, detectors = [grid[i] for i in (0, 3, 4)], [grid[i] for i in (1, 2, 5)]
        for i, s in enumerate(sources):
            for j, d in enumerate(detectors):
                places = on_head(*np.array([s, d]).T)
                if np.linalg.norm(places[0] - places[1]) < 0.04:
                    source.append(f"S{3 * side + i + 1}")
                    detector.append(f"D{3 * side + j + 1}")
                    source_at.append(places[0])
                    detector_at.append(places[1])
    return source, detector, np.array(source_at), np.array(detector_at)
