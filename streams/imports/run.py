"""An import: every source by what it is, all results together."""

from __future__ import annotations

from collections.abc import Sequence

from streams.imports.alertmanager import LABELS, import_alertmanager
from streams.imports.carried import Carried
from streams.imports.coralogix import import_coralogix
from streams.imports.sources import FORMATS, Format, Source, format_of
from streams.imports.terraform import import_terraform


def carry(sources: Sequence[Source], given: Format | None = None, labels: str = LABELS) -> Carried:
    """What these sources hold. `given`: what all of them are; None: what each one looks like. Raises UsageError."""
    by_format: dict[Format, list[Source]] = {one: [] for one in FORMATS}
    for source in sources:
        by_format[given or format_of(source)].append(source)
    carried = Carried()
    if some := by_format["coralogix"]:
        carried.merge(import_coralogix((one.name, one.content) for one in some))
    if some := by_format["terraform"]:
        carried.merge(import_terraform([one.content for one in some]))
    if some := by_format["alertmanager"]:
        carried.merge(import_alertmanager([(one.content, one.folder) for one in some], labels))
    return carried
