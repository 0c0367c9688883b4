"""Connectors, presets and routers of a Terraform state, in the shapes of the documented API.

Both forms are taken: a state file (version 4: `terraform state pull`, *.tfstate) and `terraform show -json` of a state
or plan. Attribute names are those of the provider's documentation (resources coralogix_connector, coralogix_preset,
coralogix_global_router): the API's, in snake case and with words in small letters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

from streams.imports.carried import Carried
from streams.imports.coralogix import import_coralogix
from streams.imports.shapes import obj, objs, text

RESOURCES: Final = {
    "coralogix_connector": "connector",
    "coralogix_preset": "preset",
    "coralogix_global_router": "router",
}
FREE: Final = frozenset({"custom_details", "entity_labels", "routing_labels", "matching_routing_labels"})
"""Attributes whose members are named by people."""


def import_terraform(contents: Iterable[Any]) -> Carried:
    """All that these states hold."""
    found: dict[str, list[Any]] = {f"{kind}s": [] for kind in RESOURCES.values()}
    others: Counter[str] = Counter()
    for content in contents:
        for kind, attributes in _resources(content):
            if kind in RESOURCES:
                found[f"{RESOURCES[kind]}s"].append(_api(attributes))
            elif kind.startswith("coralogix_"):
                others[kind] += 1
    carried = import_coralogix([("Terraform", found)])
    for kind, count in sorted(others.items()):
        carried.note(kind, f"{count} resource(s) not read: only connectors, presets and global routers are")
    return carried


def _resources(content: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """The managed resources of a state or plan: type and attributes."""
    for resource in objs(obj(content).get("resources")):  # a state file
        if resource.get("mode", "managed") == "managed":
            for instance in objs(resource.get("instances")):
                yield text(resource.get("type")), obj(instance.get("attributes"))
    values = obj(obj(content).get("values") or obj(content).get("planned_values"))
    modules = [obj(values.get("root_module"))]
    while modules:
        module = modules.pop()
        modules += objs(module.get("child_modules"))
        for resource in objs(module.get("resources")):
            if resource.get("mode", "managed") == "managed":
                yield text(resource.get("type")), obj(resource.get("values"))


def _api(attributes: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = _camel(attributes)
    # The provider has a word where the API has an object.
    if isinstance(found.get("attachmentConfig"), str):
        found["attachmentConfig"] = {"policy": found["attachmentConfig"]}
    return found


def _camel(value: Any) -> Any:
    """snake_case members as the API writes them; those that are null are not written in a configuration either."""
    if isinstance(value, list):
        return [_camel(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        _name(name): dict(inner) if name in FREE and isinstance(inner, dict) else _camel(inner)
        for name, inner in value.items()
        if inner is not None
    }


def _name(snake: str) -> str:
    head, *rest = snake.split("_")
    return head + "".join(word.capitalize() for word in rest)
