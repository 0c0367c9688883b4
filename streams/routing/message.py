"""The default message: what a trigger says when no preset says otherwise.

Whatever stands in the fields of the document, a valid message comes out; a field that cannot be used falls back and is
noted in `render_errors`. A field that is simply absent falls back without a note.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from streams.events import Event
from streams.routing.fit import FIELD_LIMIT, OWN_DETAIL, SOURCE_LIMIT, SUMMARY_LIMIT, Message, fit
from streams.routing.links import http_url
from streams.routing.plain import blank, kind_of, one_line
from streams.routing.reading import flat, groups_of, mapping
from streams.routing.severity import priority_of, severity_of

CLIENT: Final = "Pagerline"

SUMMARY_VALUES: Final = 6
"""Group-by values named in a summary; more than a few push the alert's name out of sight."""

GROUPS_LISTED: Final = 100
"""Groups in the details; the number of all of them is given beside."""

# Labels and group-by keys, as Coralogix, OpenTelemetry and Prometheus write them, that say what PagerDuty asks for.
HOSTS: Final = ("host", "hostname", "host.name", "fqdn", "instance", "node", "k8s.node.name", "pod", "k8s.pod.name")
COMPONENTS: Final = ("component", "service", "service.name", "serviceName", "subsystem", "subsystemName",
                     "coralogix.metadata.subsystemName", "job", "container")  # fmt: skip
GROUPS: Final = ("group", "team", "team_name", "application", "applicationName", "coralogix.metadata.applicationName",
                 "cluster", "k8s.cluster.name", "namespace", "environment")  # fmt: skip


def default_message(event: Event) -> Message:
    """The message of a trigger, fit to send. Never raises."""
    return _alert(event) if event.kind == "alert" else _case(event)


def _alert(event: Event) -> Message:
    context = mapping(event.context.get("_context"))
    alert = mapping(event.context.get("alert"))
    definition = mapping(event.context.get("alertDef"))
    groups = groups_of(alert)
    values = [dict(flat(group.get("keyValues"))) for group in groups[:GROUPS_LISTED]]
    labels = _labels(definition.get("entityLabels"), context.get("entityLabels"))
    errors: dict[str, str] = {}
    priority = _priority(event, errors)
    url, links = _links(alert.get("alertDataUrl"), "alert.alertDataUrl", "Alert", labels, errors)
    name = _text(definition.get("name"), "alertDef.name", "summary", errors) or f"Alert {event.dedup_key}"
    known: list[Mapping[str, Any]] = [*values[:1], labels]
    system = mapping(context.get("system"))
    host = _first(HOSTS, known) or _text(system.get("name"), "_context.system.name", "source", errors, SOURCE_LIMIT)
    return fit(
        {
            "summary": name + _group_values(values, len(groups)),
            "source": host or event.dedup_key,
            "severity": severity_of(priority),
            "timestamp": _timestamp(event, alert.get("timestamp")),
            "component": _first(COMPONENTS, known),
            "group": _first(GROUPS, known),
            "class": definition.get("type") or context.get("entitySubType"),
            "custom_details": _present(
                {
                    "priority": priority,
                    "description": definition.get("description"),
                    "labels": labels,
                    "groups": [_group(group, of) for group, of in zip(groups, values, strict=False)],
                    "groups_total": len(groups) if len(groups) > GROUPS_LISTED else None,
                    "log_example": mapping(alert.get("attachments")).get("logExample"),
                    "links": {link["text"]: link["href"] for link in links},
                    OWN_DETAIL: {"source": event.source.id},
                }
            ),
        },
        client=CLIENT,
        client_url=url,
        links=links,
        render_errors=errors,
    )


def _case(event: Event) -> Message:
    context = mapping(event.context.get("_context"))
    case = mapping(event.context.get("case"))
    labels = _labels(context.get("entityLabels"))
    errors: dict[str, str] = {}
    priority = _priority(event, errors)
    url, links = _links(case.get("caseDetailUrl"), "case.caseDetailUrl", "Case", labels, errors)
    system = mapping(context.get("system"))
    host = _first(HOSTS, [labels]) or _text(system.get("name"), "_context.system.name", "source", errors, SOURCE_LIMIT)
    indicators = case.get("indicators")
    changed = case.get("updatedAt")
    return fit(
        {
            "summary": _text(case.get("title"), "case.title", "summary", errors) or f"Case {event.dedup_key}",
            "source": host or event.dedup_key,
            "severity": severity_of(priority),
            "timestamp": _timestamp(event, case.get("createdAt") if changed is None else changed),
            "component": _first(COMPONENTS, [labels]),
            "group": _first(GROUPS, [labels]),
            "class": case.get("category"),
            "custom_details": _present(
                {
                    "priority": priority,
                    "description": case.get("description"),
                    "status": case.get("status"),
                    "category": case.get("category"),
                    "assignee": mapping(case.get("assignee")).get("userEmail"),
                    "created_at": case.get("createdAt"),
                    "labels": labels,
                    "indicators": len(indicators) if isinstance(indicators, list) else None,
                    "links": {link["text"]: link["href"] for link in links},
                    OWN_DETAIL: {"source": event.source.id},
                }
            ),
        },
        client=CLIENT,
        client_url=url,
        links=links,
        render_errors=errors,
    )


def _text(given: object, path: str, field: str, errors: dict[str, str], limit: int = SUMMARY_LIMIT * 64) -> str:
    """A document's text for a field, or nothing: noted when there was something that is no text."""
    text = one_line(given, limit)
    if not blank(text):
        return text
    if given is not None:
        errors[field] = f"{path} is {kind_of(given)} without a visible character"
    return ""


def _priority(event: Event, errors: dict[str, str]) -> str | None:
    priority, wrong = priority_of(event)
    if wrong:
        errors["severity"] = wrong
    return priority


def _timestamp(event: Event, given: object) -> object:
    """When it happened: what the document says, else when its record was written.

    Left to PagerDuty it would be when the event arrives there, which after an outage is too late by its length.
    """
    return given if given is not None else (event.source.timestamp if event.source.timestamp > 0 else None)


def _group_values(values: Sequence[Mapping[str, Any]], total: int) -> str:
    """The group-by values of the first group, and how many groups there are besides: ` (server1, eu) and 2 more`."""
    if not values:
        return ""
    shown = [text for value in list(values[0].values())[:SUMMARY_VALUES] if (text := one_line(value, FIELD_LIMIT))]
    text = f" ({', '.join(shown)})" if shown else ""
    return f"{text} and {total - 1:,} more" if total > 1 else text


def _group(group: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """One group of the details: its group-by values, and the figures of the condition that was met."""
    details = mapping(group.get("details"))
    kind = details.get("$type")
    figures = details.get(kind) if isinstance(kind, str) else None
    return _present({**values, "priority": group.get("priority"), "figures": figures})


def _labels(*sources: object) -> dict[str, Any]:
    """Labels of all sources by key; a list of one value (as Cases have them) is that value."""
    merged: dict[str, Any] = {}
    for source in sources:
        for name, value in mapping(source).items():
            if isinstance(value, list) and len(value) == 1:
                value = value[0]
            merged.setdefault(name, value)
    return merged


def _first(names: Iterable[str], known: Sequence[Mapping[str, Any]]) -> str:
    """The first of the named values that is a visible text."""
    for name in names:
        for values in known:
            if name in values and not blank(text := one_line(values[name], SOURCE_LIMIT)):
                return text
    return ""


def _links(
    given: object, path: str, text: str, labels: Mapping[str, Any], errors: dict[str, str]
) -> tuple[str | None, list[dict[str, str]]]:
    """The page of the alert or Case, and links to it and to every label that is an address (runbooks, dashboards)."""
    url = http_url(given)
    if url is None and given is not None:
        errors["client_url"] = f"{path} is no http or https address"
    return url, list(_as_links(url, text, labels))


def _as_links(url: str | None, text: str, labels: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    if url:
        yield {"href": url, "text": text}
    for name, value in labels.items():
        if isinstance(value, str) and value.startswith("http") and (address := http_url(value)):
            yield {"href": address, "text": one_line(name, FIELD_LIMIT)}


def _present(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is absent or empty."""
    return {name: value for name, value in fields.items() if value is not None and value not in ("", {}, [])}
