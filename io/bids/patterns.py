"""Patterns of `.bidsignore`, which are those of `.gitignore`."""

import re
from collections.abc import Callable

WILD = re.compile(r"(\*\*/|/\*\*$|\*\*|\*|\?|\[[^\]]+\])")
AS_REGEX = {"**/": "(?:.*/)?", "/**": "/.*", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def matcher(text: str) -> Callable[[str], bool]:
    """A function that says whether a path below the root, or a folder of it, is ignored.

    A later line counts more than an earlier one, and one that begins with "!" takes back.

    Examples
    --------
    >>> ignored = matcher("*_nirs.snirf\\nextra/\\n!sub-02_*\\n")
    >>> [ignored(path) for path in ("sub-01/nirs/sub-01_nirs.snirf", "extra/a/b.txt")]
    [True, True]
    >>> ignored("sub-02/nirs/sub-02_nirs.snirf"), ignored("sub-01/eeg/extra")
    (False, False)
    """
    lines = [line.strip() for line in text.splitlines()]
    rules = [
        (not line.startswith("!"), _regex(line.removeprefix("!")))
        for line in lines
        if line and not line.startswith("#")
    ]

    def ignored(path: str) -> bool:
        said = [taken for taken, rule in rules if rule.fullmatch(path)]
        return bool(said) and said[-1]

    return ignored


def _regex(pattern: str) -> re.Pattern[str]:
    """What a line matches: a path, or one below the folder that it names."""
    folder, bare = pattern.endswith("/"), pattern.strip("/")
    anchored = "/" in bare or pattern.startswith("/")
    parts = WILD.split(bare)
    body = "".join(_wild(part) if i % 2 else re.escape(part) for i, part in enumerate(parts))
    return re.compile(("" if anchored else "(?:.*/)?") + body + ("/.*" if folder else "(?:/.*)?"))


def _wild(part: str) -> str:
    return AS_REGEX.get(part) or part.replace("[!", "[^", 1)
