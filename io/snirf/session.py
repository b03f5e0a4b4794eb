"""On whom a SNIRF file was measured."""

import contextlib
from datetime import date
from typing import Any

from neurofuse.io.snirf.table import tag


def subject(nirs: Any) -> dict[str, Any]:
    """What the file says of the subject, by MNE's names; the birthday as ISO text."""
    facts: dict[str, Any] = {"his_id": tag(nirs, "SubjectID") or "unknown"}
    for key in ("first", "middle", "last"):
        if name := tag(nirs, f"{key}Name"):
            facts[f"{key}_name"] = name
    sex = tag(nirs, "sex").lower()[:1]
    if sex in ("m", "f", "0", "1", "2", "u"):
        facts["sex"] = {"m": 1, "1": 1, "f": 2, "2": 2}.get(sex, 0)
    with contextlib.suppress(ValueError):
        facts["birthday"] = date.fromisoformat(tag(nirs, "DateOfBirth")).isoformat()
    return facts
