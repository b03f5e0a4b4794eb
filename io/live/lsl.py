"""The lab streaming layer, loaded when it is first needed."""

import os
from pathlib import Path
from typing import Any

from neurofuse.io.errors import ParameterError

CONFIGURATIONS = ("lsl_api.cfg", "~/lsl_api/lsl_api.cfg", "/etc/lsl_api/lsl_api.cfg")
QUIET = "[log]\nlevel = -3\n"  # errors of the library become ours, or lines of the status
_quiet: list[bool] = []


def lsl() -> Any:
    """The module `mne_lsl.lsl`.

    liblsl's own log goes to stderr; it is kept to what is fatal, unless a configuration of LSL is
    there, which then counts.

    Raises
    ------
    ParameterError
        If the package mne-lsl is not installed.
    """
    try:
        from mne_lsl import lsl as module
    except ImportError as error:
        raise ParameterError(
            "live streams without the package mne-lsl",
            "it installed",
            "pip install 'neurofuse[stream]'",
        ) from error
    if not _quiet:
        own = "LSLAPICFG" in os.environ or any(
            Path(path).expanduser().is_file() for path in CONFIGURATIONS
        )
        if not own:
            module.set_config_content(QUIET)
        _quiet.append(not own)
    return module
