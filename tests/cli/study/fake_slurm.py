"""Stand-ins for `sbatch` and `scancel` that run jobs on this machine."""

import os
import sys
from pathlib import Path

ARRAY = r"""
import os, re, subprocess, sys
script = sys.argv[-1]
first, last = re.search(r"--array=(\d+)-(\d+)%", open(script).read()).groups()
for number in range(int(first), int(last) + 1):
    env = os.environ | {"SLURM_ARRAY_TASK_ID": str(number)}
    subprocess.run(["bash", script], env=env, check=False)
print("Submitted batch job 1")
"""
SINGLE = r"""
import subprocess, sys
quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
job = subprocess.Popen(["bash", sys.argv[-1]], start_new_session=True, **quiet)
print(f"Submitted batch job {job.pid}")
"""
CANCEL = r"""
import os, signal, sys
for job in sys.argv[1:]:
    try:
        os.killpg(int(job), signal.SIGTERM)
    except ProcessLookupError:
        pass
"""


def install(folder: Path, sbatch: str) -> str:
    """Write the programs into a folder; returns the PATH on which they are found first."""
    folder.mkdir(parents=True)
    for name, code in (("sbatch", sbatch), ("scancel", CANCEL)):
        (folder / name).write_text(f"#!{sys.executable}{code}")
        (folder / name).chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"
