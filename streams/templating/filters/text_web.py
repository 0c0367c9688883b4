"""Filters that make text fit for HTML, XML, URLs and file names."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import quote

import re2

from streams.templating.arguments import Arguments, text
from streams.templating.registry import filter_
from streams.templating.run import Run
from streams.templating.slug import slug
from streams.templating.values import WHITE_SPACE

_HTML: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;", "/": "&#x2F;"})
_XML: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"})
# In linear time even where a text has many `<` and no `>`.
_HTML_TAG: Final = re2.compile(r"<!--.*?-->|<[^>]*>")
_BETWEEN_TAGS: Final = re.compile(f">[{WHITE_SPACE}]+<")


@filter_("escape", "HTML's special characters written out.", "", '{{ "a < b" | escape }}', "a &lt; b")
def escape(value: Any, arguments: Arguments, run: Run) -> str:
    return text(value).translate(_HTML)


@filter_("escape_xml", "XML's special characters written out.", "", '{{ "it\'s" | escape_xml }}', "it&apos;s")
def escape_xml(value: Any, arguments: Arguments, run: Run) -> str:
    return text(value).translate(_XML)


@filter_("urlencode", "Fit for a URL; `/` stays.", "", '{{ "a b/c?d" | urlencode }}', "a%20b/c%3Fd")
def urlencode(value: Any, arguments: Arguments, run: Run) -> str:
    return quote(text(value), safe="/%")  # Tera leaves a percent sign alone


@filter_(
    "urlencode_strict",
    "Fit for one part of a URL; all but letters and digits is encoded.",
    "",
    '{{ "a b/c" | urlencode_strict }}',
    "a%20b%2Fc",
)
def urlencode_strict(value: Any, arguments: Arguments, run: Run) -> str:
    encoded = quote(text(value), safe="")
    for kept, code in (("-", "%2D"), (".", "%2E"), ("_", "%5F"), ("~", "%7E")):
        encoded = encoded.replace(kept, code)
    return encoded


@filter_("addslashes", "A backslash before quotes and backslashes.", "", '{{ "it\'s" | addslashes }}', "it\\'s")
def addslashes(value: Any, arguments: Arguments, run: Run) -> str:
    return text(value).replace("\\", "\\\\").replace('"', '\\"').replace("'", "\\'")


@filter_(
    "slugify",
    "Small letters and digits joined by `-`; letters with accents become plain.",
    "",
    '{{ "Größe: 5 GB!" | slugify }}',
    "grosse-5-gb",
)
def slugify(value: Any, arguments: Arguments, run: Run) -> str:
    whole = text(value)
    run.meter.work(len(whole))
    return slug(whole)


@filter_("linebreaksbr", "`<br>` for each end of a line.", "", '{{ "a\nb" | linebreaksbr }}', "a<br>b")
def linebreaksbr(value: Any, arguments: Arguments, run: Run) -> str:
    return text(value).replace("\r\n", "<br>").replace("\n", "<br>")


@filter_("striptags", "Without HTML tags.", "", '{{ "<b>disk</b> full" | striptags }}', "disk full")
def striptags(value: Any, arguments: Arguments, run: Run) -> str:
    return str(_HTML_TAG.sub("", text(value)))


@filter_(
    "spaceless",
    "Without white space between HTML tags.",
    "",
    '{{ "<p> <b>a</b> </p>" | spaceless }}',
    "<p><b>a</b></p>",
)
def spaceless(value: Any, arguments: Arguments, run: Run) -> str:
    return _BETWEEN_TAGS.sub("><", text(value))
