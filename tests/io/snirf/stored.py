"""What tests change in a SNIRF file, and what it holds."""

import h5py
import numpy as np


def put(nirs, name, value):
    """Replace a dataset."""
    del nirs[name]
    nirs[name] = value


def samples(path) -> np.ndarray:
    with h5py.File(path) as file:
        return np.asarray(file["nirs/data1/dataTimeSeries"]).T


def stimulus(nirs, number, name, data):
    nirs[f"stim{number}/name"], nirs[f"stim{number}/data"] = name, data
