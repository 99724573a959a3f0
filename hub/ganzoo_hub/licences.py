"""Licences as the Hub writes them. There is no default one."""

import re

from zoo.errors import InvalidOptions, near_misses

__all__ = ["KNOWN", "checked_licence", "licence_fields"]

_HUB = """
afl-3.0 agpl-3.0 apache-2.0 apple-amlr apple-ascl artistic-2.0 bigcode-openrail-m bigscience-bloom-rail-1.0
bigscience-openrail-m bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear bsl-1.0 c-uda cc cc-by-2.0 cc-by-2.5
cc-by-3.0 cc-by-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0
cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cc-by-nd-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc0-1.0 cdla-permissive-1.0
cdla-permissive-2.0 cdla-sharing-1.0 creativeml-openrail-m ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2
gfdl gpl gpl-2.0 gpl-3.0 h-research intel-research isc lgpl lgpl-2.1 lgpl-3.0 lgpl-lr lppl-1.3c mit mpl-2.0 ms-pl
ncsa odbl odc-by ofl-1.1 openrail openrail++ osl-3.0 pddl postgresql unlicense wtfpl zlib other unknown
"""

KNOWN = frozenset(_HUB.split())
"""What the Hub's metadata takes as `license`; everything else is `other` with a name of its own."""

_NAME = re.compile(r"[a-z0-9][a-z0-9.+-]*")


def checked_licence(licence: str) -> str:
    """The licence in lower case. Raises InvalidOptions for none, and for text that is no identifier."""
    asked = licence.strip().lower()
    if not asked:
        raise InvalidOptions(
            [
                "no licence is given, and none is assumed: name the terms of these weights with --licence, such as "
                "--licence cc-by-4.0 or apache-2.0. The terms of the data and of the weights it started from bind too."
            ]
        )
    if not _NAME.fullmatch(asked):
        raise InvalidOptions(
            [
                f"--licence {licence!r} is no identifier: write it in one word, such as cc-by-4.0 or "
                f"my-lab-research-only. {near_misses(asked.replace(' ', '-'), sorted(KNOWN))}".strip()
            ]
        )
    return asked


def licence_fields(licence: str) -> dict[str, str]:
    """The front matter's `license`, and `license_name` for one that the Hub has no word for."""
    return {"license": licence} if licence in KNOWN else {"license": "other", "license_name": licence}
