"""`pagerline`: the command and the list of its subcommands."""

from __future__ import annotations

import logging

import click

from streams import __version__
from streams.cli.lazy import Lazy, LazyGroup

COMMANDS = {
    "worker": Lazy("streams.cli.worker:worker", "Run the stages that bring events to PagerDuty."),
    "web": Lazy("streams.cli.web:web", "Run the API, the console and the ingress of webhooks."),
    "topics": Lazy("streams.cli.topics:topics", "Create and check the topics."),
    "apply": Lazy(
        "streams.cli.documents:apply", "Create or change documents (connectors, routers, presets, integrations)."
    ),
    "get": Lazy("streams.cli.documents:get", "Show documents, secrets masked."),
    "diff": Lazy("streams.cli.documents:diff", "Show what apply would change."),
    "delete": Lazy("streams.cli.documents:delete", "Delete a document."),
    "import": Lazy("streams.cli.import_:import_command", "Make documents from exports, Terraform or Alertmanager."),
    "render": Lazy("streams.cli.render:render", "Render one template."),
    "cases": Lazy("streams.cli.cases:cases", "Show how Cases stand beside their incidents."),
    "preview": Lazy("streams.cli.preview:preview", "Tell what would become of an event."),
    "explain": Lazy("streams.cli.explain:explain", "Tell the life of an alert, Case or incident."),
    "dead-letters": Lazy("streams.cli.dead_letters:dead_letters", "List, show and replay what could not be delivered."),
    "send": Lazy("streams.cli.send:send", "Send a test notification and wait for its outcome."),
    "lag": Lazy("streams.cli.lag:lag", "Show how much each stage has still to do."),
    "doctor": Lazy("streams.cli.doctor:doctor", "Say what is wrong and what to do about it."),
    "secrets": Lazy("streams.cli.secrets:secrets", "Make and rotate the keys of PAGERLINE_SECRET_KEYS."),
    "sandbox": Lazy("streams.cli.sandbox:sandbox", "Run Kafka, PagerDuty and producers on this machine."),
}


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Examples:
  pagerline topics apply
  pagerline apply -f connectors.yaml
  pagerline worker

Settings come from the environment (PAGERLINE_*) or from .env. Every command ends with 0 (done), 1 (the answer is no)
or 2 (used wrongly).
""",
)
@click.version_option(__version__, prog_name="pagerline")
def main() -> None:
    """Kafka to PagerDuty: nothing lost, rate limits obeyed, every decision explained."""
    # What the Kafka client logs of a broker that is away, a command says in one line; a worker sets its own logging up.
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())


if __name__ == "__main__":
    main(prog_name="pagerline")
