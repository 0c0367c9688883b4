"""Error texts without the values they quote: a template engine names the token it stumbled over, and in a
connector that token can be a routing key or a piece of one."""

import re

from streams.documents.secrets import ROUTING_KEY_LENGTH, mask

# A routing key is 32 letters and digits, and an expression splits one that begins with digits into a number and a
# name. So: any letters and digits of 16 up, and of 6 up when there is a digit among them; not `deployment_environment`.
_MAY_BE_A_KEY = re.compile(r"(?=[A-Za-z]*[0-9])[A-Za-z0-9]{6,}|[A-Za-z0-9]{16,}")

# A name in several words without a digit, such as `incidentSettings`, that is too short for a whole key. No half of a
# key is one: PagerDuty's have digits all over, and their letters are of one case.
_NAME = re.compile(r"[a-z]{2,}(?:[A-Z][a-z]+)+")


def without_keys(text: str) -> str:
    """`text` with everything masked that might be a routing key."""
    return _MAY_BE_A_KEY.sub(_masked, text)


def _masked(found: re.Match[str]) -> str:
    word = found.group()
    return word if len(word) < ROUTING_KEY_LENGTH and _NAME.fullmatch(word) else mask(word)
