"""Stories: many lives of alerts and Cases, interleaved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

from streams.sandbox.samples.alerts import alert_life
from streams.sandbox.samples.cases import case_life
from streams.sandbox.samples.record import START, TEAMS, Record, Setting


def stories(
    seed: int = 0,
    *,
    alerts: int = 20,
    cases: int = 5,
    teams: Sequence[str] = TEAMS,
    connectors: Mapping[str, str] | None = None,
    start: int = START,
    span: float = 600.0,
) -> list[Record]:
    """The messages of `alerts` alerts and `cases` Cases in order of time; the same seed gives the same bytes.

    teams: they take turns. connectors: team to connector id; that team's messages name it as their destination.
    start: seconds since the epoch at which the story begins; span: its length in seconds, roughly. The life of an
    alert or Case does not depend on how many others there are. Raises ValueError without a team.
    """
    if not teams:
        raise ValueError("a story needs at least one team")
    connectors = connectors or {}

    def setting(number: int) -> Setting:
        team = teams[number % len(teams)]
        return Setting(seed, start, team, connectors.get(team))

    lives = chain(
        (alert_life(setting(number), number, span) for number in range(alerts)),
        (case_life(setting(number), number, span) for number in range(cases)),
    )
    return sorted(chain.from_iterable(lives), key=lambda record: record.at)
