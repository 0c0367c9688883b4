"""How `pagerline sandbox demo` ends, with the play taken out."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, Self

import pytest
from click.testing import CliRunner

from streams.sandbox.demo import cli
from streams.sandbox.demo.play import Play
from streams.sandbox.verify.model import Kind, Verdict, Violation


class NoStage:
    """A stage with nothing on it."""

    def __init__(self, worker: Any) -> None:
        self.worker = worker

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        pass


async def interrupted(*_: object) -> None:
    """Stay up until Ctrl-C, which comes at once: asyncio cancels what it runs then."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


@pytest.mark.parametrize("ok", [True, False])
def test_ctrl_c_at_the_end_of_a_demo_that_was_kept_leaves_its_verdict(
    monkeypatch: pytest.MonkeyPatch, ok: bool
) -> None:
    async def perform() -> Verdict:
        verdict = Verdict()
        if not ok:
            verdict.add(Violation(Kind.MISSING_OUTCOME, "alert:a", "has no outcome"))
        return verdict

    monkeypatch.setattr(cli, "Stage", NoStage)
    monkeypatch.setattr(cli, "stay", interrupted)
    monkeypatch.setattr(Play, "of", lambda *_, **__: SimpleNamespace(perform=perform, finished=True, worker=None))
    result = CliRunner().invoke(cli.demo, ["--keep"])
    assert (result.exit_code, type(result.exception)) == ((0, type(None)) if ok else (1, SystemExit))
