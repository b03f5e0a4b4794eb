"""Figures: recordings or tables in, matplotlib axes out; public as `neurofuse.plot`.

Each function draws with matplotlib and returns the axes that it drew on, so that titles, limits
and sizes can be changed afterwards. EEG and fNIRS are drawn one below the other unless `stream`
names one of them; `axes` takes existing axes. The recorded signal is vermilion, the cleaned one
blue, the true one, where it is known, green; motion is shaded orange.
"""

from neurofuse.fusion.plot.gates import gate
from neurofuse.fusion.plot.head import sensors
from neurofuse.fusion.plot.lanes import traces
from neurofuse.fusion.plot.power import spectra
from neurofuse.fusion.plot.responses import evoked
from neurofuse.fusion.plot.scores import comparison, intervals

__all__ = ["comparison", "evoked", "gate", "intervals", "sensors", "spectra", "traces"]
