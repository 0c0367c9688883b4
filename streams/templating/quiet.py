"""Error texts without the values they quote: a template engine names the token it stumbled over, and in a
connector that token can be a routing key or a piece of one."""

import re

from streams.documents.secrets import mask

# A routing key is 32 letters and digits, and an expression splits one that begins with digits into a number and a
# name. So: any letters and digits of 16 up, and of 6 up when there is a digit among them; not `deployment_environment`.
_MAY_BE_A_KEY = re.compile(r"(?=[A-Za-z]*[0-9])[A-Za-z0-9]{6,}|[A-Za-z0-9]{16,}")


def without_keys(text: str) -> str:
    """`text` with everything masked that might be a routing key."""
    return _MAY_BE_A_KEY.sub(lambda found: mask(found.group()), text)
