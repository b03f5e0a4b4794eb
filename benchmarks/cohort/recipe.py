"""The steps of the Containerfile, done in an empty root folder where there is no container engine.

    python -m benchmarks.cohort.recipe [--full] [ARGUMENT ...]

Each stage gets a folder that becomes its root by `chroot`, in a mount namespace of its own: with
the system's programs and this Python, read-only, in place of the base image. Then the entry point
is called, as a user whom the system does not know, with the arguments. By default packages that
are installed here stand in for those that pip would fetch, and nothing is fetched; `--full` lets
pip fetch them, into an environment that knows nothing of this one. Needs Linux, and root.
"""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.common.paths import ROOT

RECIPE = ROOT / "Containerfile"
KNOWN = ("FROM", "ARG", "ENV", "WORKDIR", "COPY", "RUN", "USER", "ENTRYPOINT", "CMD")
SYSTEM = ("/usr", "/etc")  # what a base image brings
SEARCHED = "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LINKS = ("bin", "lib", "lib64", "sbin")  # at the root, into /usr
OWN = ("neurofuse", "__editable__", "pip")  # what each stage must install for itself
PIP = ("PIP_CERT", "PIP_FIND_LINKS", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL")  # of this machine
FOLDERS = ("/opt/wheels", "/opt/pypi", "/opt/pypi-more")  # that pip may be told to look into


@dataclass
class Image:
    """A stage: the folder that is its root, and what was declared for whoever runs it."""

    root: Path
    env: dict[str, str] = field(default_factory=lambda: {"PATH": SEARCHED})
    workdir: str = "/"
    user: int = 0
    entrypoint: list[str] = field(default_factory=list)


def steps(text: str) -> list[tuple[str, str]]:
    """The instructions of a recipe with their arguments, in order.

    Examples
    --------
    >>> steps("FROM a AS b\\n# why\\nRUN c && \\\\\\n    d")
    [('FROM', 'a AS b'), ('RUN', 'c &&     d')]
    """
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", "").splitlines()
    found = [line.strip().partition(" ") for line in joined if line.strip()]
    unknown = sorted({name for name, _, _ in found} - set(KNOWN))
    if unknown:
        raise ValueError(f"instructions {unknown}, which are not known here")
    return [(name, rest.strip()) for name, _, rest in found]


def build(recipe: Path, folder: Path, full: bool = False) -> Image:
    """Do all steps of a recipe below `folder`; returns the last stage."""
    stages: dict[str, Image] = {}
    image = Image(folder)
    for name, rest in steps(recipe.read_text("utf-8")):
        words = shlex.split(rest)
        if name == "FROM":
            image = Image(_base(folder / f"stage-{len(stages)}", full))
            stages[words[-1]] = image
        elif name in ("ARG", "ENV"):
            image.env |= dict(word.split("=", 1) for word in words if "=" in word)
        elif name == "WORKDIR":
            image.workdir = words[0]
            _inside(image, words[0]).mkdir(parents=True, exist_ok=True)
        elif name == "COPY":
            _copy(words, stages, image, recipe.parent)
        elif name == "RUN":
            inside(image, ["/bin/sh", "-c", rest], full=full)
        elif name == "USER":
            image.user = int(words[0])
        elif name == "ENTRYPOINT":
            image.entrypoint = [word.strip(",[]") for word in words]
    return image


def inside(
    image: Image,
    command: list[str],
    *,
    user: int = 0,
    volumes: Mapping[str, tuple[Path, bool]] | None = None,
    full: bool = False,
    check: bool = True,
) -> "subprocess.CompletedProcess[str]":
    """Run a command with the image's root as `/`, and with nothing of this environment.

    `volumes` are folders by their place in the image, each with whether it may be written.
    """
    mounts = {place: (Path(place), False) for place in SYSTEM}
    mounts[sys.base_prefix] = (Path(sys.base_prefix), False)
    mounts["/usr/local/bin"] = (image.root / "base", False)
    mounts |= {place: (Path(place), True) for place in ("/dev", "/proc")}
    env = dict(image.env)
    if full:
        mounts |= {place: (Path(place), False) for place in FOLDERS if Path(place).is_dir()}
        env |= {name: os.environ[name] for name in PIP if name in os.environ}
    else:
        mounts["/installed"] = (_installed(), False)
        env |= {"PYTHONPATH": "/links", "PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0"}
    mounts |= volumes or {}
    script = ["set -e"]
    for place, (source, writable) in mounts.items():
        at = _inside(image, place)
        at.mkdir(parents=True, exist_ok=True)
        script.append(f"mount --rbind {shlex.quote(str(source))} {shlex.quote(str(at))}")
        if not writable:
            script.append(f"mount -o remount,bind,ro {shlex.quote(str(at))}")
    who = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
    call = ["env", "-i", *(f"{k}={v}" for k, v in env.items()), *who, *command]
    going = ["sh", "-c", f'cd {shlex.quote(image.workdir)} && exec "$@"', "sh", *call]
    script.append(shlex.join(["exec", "chroot", str(image.root), *going]))
    unshared = ["unshare", "--mount", "--propagation", "private", "sh", "-c", "\n".join(script)]
    done = subprocess.run(unshared, capture_output=True, text=True)
    if check and done.returncode:
        raise RuntimeError(f"{shlex.join(command)}: exit {done.returncode}\n{done.stderr[-3000:]}")
    return done


def _base(root: Path, full: bool) -> Path:
    """An empty root with the links of this system's, and `python` where the base image has it."""
    for folder in ("base", "tmp", "links"):
        (root / folder).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    for name in LINKS:
        if Path("/", name).is_symlink():
            (root / name).symlink_to(os.readlink(f"/{name}"))
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    python = root / "base" / "python"  # no link: a venv would look for the library beside it
    python.write_text(f'#!/bin/sh\nexec {sys.base_prefix}/bin/{version} "$@"\n')
    python.chmod(0o755)
    if not full:
        for path in _installed().iterdir():
            if not path.name.startswith(OWN):
                (root / "links" / path.name).symlink_to(f"/installed/{path.name}")
    return root


def _installed() -> Path:
    """The folder of the packages that are installed here."""
    return Path(sysconfig.get_path("purelib"))


def _inside(image: Image, place: str) -> Path:
    return image.root / str(Path("/", image.workdir, place)).lstrip("/")


def _copy(words: list[str], stages: dict[str, Image], image: Image, context: Path) -> None:
    *sources, target = [word for word in words if not word.startswith("--")]
    stage = next((w.removeprefix("--from=") for w in words if w.startswith("--from=")), "")
    for source in sources:
        start = _inside(stages[stage], source) if stage else context / source
        goal = _inside(image, target)
        if start.is_dir():
            kept = set() if stage else _sent(context)
            for path in start.iterdir():
                if stage or path.name in kept:
                    _copy_one(path, goal / path.name)
        else:
            _copy_one(start, goal / start.name if target.endswith("/") else goal)


def _copy_one(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, target, symlinks=True, ignore=ignored, dirs_exist_ok=True)
    else:
        shutil.copy2(source, target)


def _sent(context: Path) -> set[str]:
    """What an engine sends of the folder, by .dockerignore: everything else is left out there."""
    lines = (context / ".dockerignore").read_text("utf-8").splitlines()
    return {line.removeprefix("!") for line in lines if line.startswith("!")}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--full", action="store_true", help="let pip fetch all packages")
    parser.add_argument("arguments", nargs="*", default=["--version"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        image = build(RECIPE, Path(folder), full=options.full)
        call = [*image.entrypoint, *options.arguments]
        done = inside(image, call, user=image.user, full=options.full, check=False)
    print(done.stdout, done.stderr, sep="", end="")
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
