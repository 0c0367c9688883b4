"""Error texts without the values they quote: a template engine names the token it stumbled over, and in a
connector that token can be a routing key or a piece of one."""

import re

from streams.documents.secrets import mask

# A routing key is 32 letters and digits, and an expression splits one that begins with digits into a number and a
# name. So: anything of 16 up (no field of an event is called so), and anything of 6 up that has a digit in it.
_MAY_BE_A_KEY = re.compile(r"(?=\w*\d)\w{6,}|\w{16,}")


def without_keys(text: str) -> str:
    """`text` with everything masked that might be a routing key."""
    return _MAY_BE_A_KEY.sub(lambda found: mask(found.group()), text)
