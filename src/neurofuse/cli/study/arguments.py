"""The command line of a BIDS app: several labels after one option, and options from a file."""

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from typer.core import TyperCommand

from neurofuse.cli.console import complain
from neurofuse.cli.study.errors import NoInputError, StudyError, UsageError
from neurofuse.cli.study.exit_codes import ExitCode

SEVERAL = ("--participant-label", "--session-label", "--task", "--run", "--recording")
LEVELS = ("participant", "group")
CONFIG, PAIRS = "--config", "--pairs"


class StudyCommand(TyperCommand):
    """A command whose wrong usage ends with the exit code of a BIDS app."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put labels and the options of a configuration file into the form that typer reads."""
        try:
            known = {name: param for param in self.params for name in param.opts}
            off = {name: param for param in self.params for name in param.secondary_opts}
            words = plain(args)
            return super().parse_args(ctx, [*from_file(words, known, off), *words])
        except StudyError as error:
            complain(str(error))
            ctx.exit(int(error.code))
        except Exception as error:
            if getattr(error, "exit_code", 0):  # as typer shows wrong usage
                error.exit_code = int(ExitCode.USAGE)  # type: ignore[attr-defined]
            raise
        return []


def plain(args: Sequence[str]) -> list[str]:
    """Repeat an option before each of its values, and write its name with hyphens.

    Values go on up to the next option. Where that swallows the places and the level, because they
    come last, they are given back.

    Examples
    --------
    >>> plain(["in", "out", "participant", "--participant_label", "01", "02"])
    ['in', 'out', 'participant', '--participant-label', '01', '--participant-label', '02']
    >>> plain(["--task", "rest", "in", "out", "participant", "--dry-run"])
    ['--task', 'rest', 'in', 'out', 'participant', '--dry-run']
    """
    words = [_hyphens(arg) for arg in args]
    places = 2 if any(word.partition("=")[0] == PAIRS for word in words) else 3
    made: list[str] = []
    while words:
        made.append(words.pop(0))
        if made[-1] in SEVERAL:
            option = made.pop()
            count = next((n for n, w in enumerate(words) if w.startswith("-")), len(words))
            if count and words[count - 1] in LEVELS:
                count -= places
            values = words[: max(count, 1)]
            made += [part for value in values for part in (option, value)] or [option]
            words = words[len(values) :]
    return made


def from_file(words: Sequence[str], known: dict[str, Any], off: dict[str, Any]) -> list[str]:
    """The options of the file that `--config` names, but for those among the words.

    Raises
    ------
    StudyError
        If the file cannot be read, or names an option that there is not.
    """
    path = _value(words, CONFIG)
    if path is None:
        return []
    given = {word.partition("=")[0] for word in words}
    made: list[str] = []
    for key, value in _content(Path(path)).items():
        name = f"--{str(key).replace('_', '-')}"
        if name not in {*known, *off} or name in (CONFIG, "--help", "--version"):
            names = sorted(n[2:] for n in {*known, *off} if n.startswith("--"))
            raise UsageError(f"{key!r} in {path}", f"one of {', '.join(names)}", "leave it out")
        made += [] if name in given else _words(name, value, known, off, path)
    return made


def _words(
    name: str, value: Any, known: dict[str, Any], off: dict[str, Any], path: str
) -> list[str]:
    param = known.get(name) or off[name]
    if getattr(param, "is_flag", False):
        if not isinstance(value, bool):
            raise UsageError(
                f"{json.dumps(value)} as {name} in {path}", "true or false", "correct it there"
            )
        opposite = (param.secondary_opts if name in known else param.opts) or [None]
        chosen = name if value else opposite[0]
        return [] if chosen is None else [chosen]
    values = value if isinstance(value, list) else [value]
    if (len(values) != 1 and name not in SEVERAL) or any(
        isinstance(one, bool | dict | list) or one is None for one in values
    ):
        wanted = "texts or numbers" if name in SEVERAL else "one text or number"
        raise UsageError(f"{json.dumps(value)} as {name} in {path}", wanted, "correct it there")
    return [word for one in values for word in (name, str(one))]


def _content(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8-sig")
        content = tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
    except OSError as error:
        raise NoInputError(
            f"{path}, which cannot be opened ({error.strerror})",
            "a file of options (JSON or TOML)",
            "check the path",
        ) from error
    except ValueError as error:
        raise UsageError(
            f"{path}, which is neither JSON nor TOML ({error})",
            'options such as {"method": "joint", "n-jobs": 4}',
            "correct it there",
        ) from error
    if not isinstance(content, dict):
        raise UsageError(f"a list in {path}", "an object of options", "correct it there")
    return content


def _value(words: Sequence[str], option: str) -> str | None:
    for number, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name == option:
            return value if equals else next(iter(words[number + 1 :]), None)
    return None


def _hyphens(arg: str) -> str:
    name, equals, value = arg.partition("=")
    return name.replace("_", "-") + equals + value if arg.startswith("--") else arg
