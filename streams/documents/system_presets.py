"""The presets that Pagerline brings along: parents for others, and something to copy from (`pagerline get presets`).

They say in templates what `streams.routing.message` says by itself, in the fields where a template can say the same;
the others it works out from labels and group-by values, whatever names these have, which a template would be worse at.
It also speaks wherever one of these templates fails. (Coralogix does not publish the templates of its own.)
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from streams.documents.connector import ConnectorType, Entity
from streams.documents.preset import Preset

_OTHERS: Final = "What it does not say is worked out from labels and group-by values."

_ALERT_SUMMARY: Final = """\
{{ alertDef.name }}
{%- for name, value in alert.groups[0].keyValues %}
{%- if loop.first %} ({% else %}, {% endif %}{{ value }}{% if loop.last %}){% endif %}
{%- endfor %}
{%- if alert.groups | length > 1 %} and {{ alert.groups | length - 1 }} more{% endif %}
"""

_SEVERITY: Final = """\
{%% set priority = %s %%}
{%%- if priority == "P1" %%}critical
{%%- elif priority == "P2" %%}error
{%%- elif priority == "P3" %%}warning
{%%- else %%}info
{%%- endif %%}
"""

_CASE_BODY: Final = """\
{{ case.description }}

Case: {{ case.caseDetailUrl }}
Priority: {{ case.casePriority }}
Category: {{ case.category }}
Opened: {{ case.createdAt }}
{% for name, values in _context.entityLabels %}Label {{ name }}: {{ values | join(sep=", ") }}
{% endfor -%}
"""


def _preset(
    id_: str, name: str, entity: Entity, connector_type: ConnectorType, description: str, fields: Mapping[str, str]
) -> Preset:
    return Preset(
        id=id_,
        name=name,
        entity=entity,
        connector_type=connector_type,
        description=description,
        type="SYSTEM",
        general=MappingProxyType(dict(fields)),
    )


SYSTEM: Final[Mapping[str, Preset]] = MappingProxyType(
    {
        preset.id: preset
        for preset in (
            _preset(
                "preset_system_pagerduty_alerts_basic",
                "PagerDuty, alerts",
                "alerts",
                "PAGERDUTY",
                f"What a page for an alert says. {_OTHERS}",
                {
                    "summary": _ALERT_SUMMARY,
                    "severity": _SEVERITY % "alert.highestPriority | default(value=alertDef.priority)",
                    "timestamp": "{{ alert.timestamp }}",
                    "class": "{{ alertDef.type }}",
                },
            ),
            _preset(
                "preset_system_pagerduty_cases_basic",
                "PagerDuty, Cases",
                "cases",
                "PAGERDUTY",
                f"What a page for a Case says. {_OTHERS}",
                {
                    "summary": "{{ case.title }}",
                    "severity": _SEVERITY % "case.casePriority",
                    "class": "{{ case.category }}",
                },
            ),
            _preset(
                "preset_system_pagerduty_incidents_cases_basic",
                "PagerDuty both ways, Cases",
                "cases",
                "PAGERDUTY_INCIDENTS",
                "What the incident of a Case says.",
                {"title": "{{ case.title }}", "body": _CASE_BODY, "priority": "{{ case.casePriority }}"},
            ),
        )
    }
)
"""By id. They are not in the topic; a snapshot does not have them."""
