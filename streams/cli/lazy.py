"""A click group that imports a command when it is used: `pagerline --help` must not wait for Kafka clients."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

import click

from streams.errors import PagerlineError, UsageError


class Lazy(NamedTuple):
    """Where a command is (`package.module:attribute`) and its line in the list of commands."""

    where: str
    help: str

    @property
    def module(self) -> str:
        return self.where.partition(":")[0]


class LazyGroup(click.Group):
    """Commands by name, imported when used; those whose module is not installed are not listed.

    A PagerlineError that comes out of a command is printed, without a traceback, and ends it with its exit code; so is
    what the Kafka client raises, with the same words for a broker that is away whatever the command wanted of it.
    """

    def __init__(self, *args: Any, lazy: Mapping[str, Lazy], **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *(name for name, lazy in self._lazy.items() if _is_there(lazy.module))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        lazy = self._lazy.get(cmd_name)
        if lazy is None or not _is_there(lazy.module):
            return super().get_command(ctx, cmd_name)
        module, _, attribute = lazy.where.partition(":")
        try:
            command = getattr(import_module(module), attribute)
        except ModuleNotFoundError as missing:
            raise UsageError(
                f"{cmd_name} needs the Python package {missing.name}, which is not installed; "
                "pip install '.[sandbox]' in Pagerline's sources brings all of them"
            ) from missing
        if not isinstance(command, click.Command):
            raise TypeError(f"{lazy.where} is not a command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with what may have been meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if near := difflib.get_close_matches(args[0], self.list_commands(ctx), n=1):
                raise click.UsageError(f"{error.message.rstrip('.')}; did you mean {near[0]}?", ctx) from None
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, self._short_help(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            told = _told(error)
            if told is None:
                raise
            for line in told.splitlines():
                click.echo(f"pagerline: {line}", err=True)
            ctx.exit(error.exit_code if isinstance(error, PagerlineError) else 1)

    def _short_help(self, ctx: click.Context, name: str) -> str:
        if name in self._lazy:
            return self._lazy[name].help
        command = super().get_command(ctx, name)
        return command.get_short_help_str(limit=80) if command else ""


def _told(error: Exception) -> str | None:
    """What to print of an error instead of a traceback; None: it is a fault of ours."""
    kafka = sys.modules.get("aiokafka.errors")  # without it nobody has asked a broker
    cause: BaseException | None = error
    while isinstance(cause, PagerlineError):
        cause = cause.__cause__
    if kafka is not None and isinstance(cause, kafka.KafkaConnectionError):
        from streams.reach import diagnose
        from streams.settings import kafka_options, load

        return diagnose(kafka_options(load()))
    if isinstance(error, PagerlineError):
        return str(error)
    if kafka is not None and isinstance(error, kafka.KafkaError):
        return f"Kafka says no: {error}"
    return None


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # its package is not there
        return False
