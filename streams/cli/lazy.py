"""A click group that imports a command when it is used: `pagerline --help` must not wait for Kafka clients."""

from __future__ import annotations

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

    A PagerlineError that comes out of a command is printed, without a traceback, and ends it with its exit code.
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
                "pip install 'pagerline[sandbox]' brings all of them"
            ) from missing
        if not isinstance(command, click.Command):
            raise TypeError(f"{lazy.where} is not a command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, self._short_help(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except PagerlineError as error:
            for line in str(error).splitlines():
                click.echo(f"pagerline: {line}", err=True)
            ctx.exit(error.exit_code)

    def _short_help(self, ctx: click.Context, name: str) -> str:
        if name in self._lazy:
            return self._lazy[name].help
        command = super().get_command(ctx, name)
        return command.get_short_help_str(limit=80) if command else ""


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # its package is not there
        return False
