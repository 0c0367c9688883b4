"""JSON as Tera writes it: keys in order, floats in their shortest form."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from streams.errors import RenderFailed
from streams.templating.run import Run
from streams.templating.values import I64_MIN, U64_MAX, float_json, size_of


def to_json(value: object, run: Run, *, pretty: bool = False) -> str:
    """``value`` as JSON; ``pretty`` puts each element on its own line, indented by two spaces."""
    run.meter.work(size_of(value))
    options = orjson.OPT_SORT_KEYS | (orjson.OPT_INDENT_2 if pretty else 0)
    try:
        written = orjson.dumps(value, option=options).decode()
    except RecursionError:
        raise RenderFailed("this value is nested too deeply for JSON") from None
    except orjson.JSONEncodeError:
        return "".join(_parts(value, "\n" if pretty else None))
    # orjson writes 1e+16 where the reference writes 1e16; the mark may stand in a text too, and then nothing is lost.
    return "".join(_parts(value, "\n" if pretty else None)) if "e+" in written else written


def _parts(value: object, line: str | None) -> Iterator[str]:
    """JSON by hand, for the few values that need it. ``line`` is the beginning of a new line, or None for none."""
    if isinstance(value, dict | list) and value:
        inner = None if line is None else line + "  "
        opening, closing = "{}" if isinstance(value, dict) else "[]"
        items = sorted(value.items()) if isinstance(value, dict) else [(None, item) for item in value]
        yield opening
        for at, (key, item) in enumerate(items):
            yield ("," if at else "") + (inner or "")
            if key is not None:
                yield orjson.dumps(key).decode() + (":" if line is None else ": ")
            yield from _parts(item, inner)
        yield (line or "") + closing
    elif type(value) is float:
        yield float_json(value)
    elif type(value) is int and not I64_MIN <= value <= U64_MAX:
        yield float_json(float(value))
    else:
        try:
            yield orjson.dumps(value).decode()
        except orjson.JSONEncodeError:
            raise RenderFailed("this value cannot be written as JSON") from None
