"""Random runs of a product that does it right are never called wrong; and with one fault, never right."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from verify_story import Story, meaning

from streams.sandbox.verify import Record

STATUSES = ["OPEN", "ACTIVE", "ACKNOWLEDGED", "CLOSED", "PENDING_ACTIVATION"]

moves = st.lists(
    st.tuples(st.just("put"), st.sampled_from(["a", "b"]), st.sampled_from(STATUSES))
    | st.tuples(st.sampled_from(["send", "repeat", "crash", "retell"]), st.sampled_from(["a", "b"]), st.just("")),
    min_size=1,
    max_size=40,
)


class RightProduct:
    """Keeps the promises of the architecture, with a queue for each incident and faults that it survives."""

    def __init__(self, run: Story) -> None:
        self.run = run
        self.pending: dict[str, list[Record]] = {"a": [], "b": []}
        self.last: dict[str, Record] = {}

    def move(self, what: str, key: str, status: str) -> None:
        match what:
            case "put":
                self.put(key, status)
            case "send":
                self.send(key)
            case "repeat":  # killed after the answer, before the outcome was written
                if key in self.last and not self.pending[key]:
                    self.run.send(self.last[key])
            case "crash":  # PagerDuty took it in, the answer never came, it is sent again later
                if self.pending[key]:
                    self.run.account.fail("drop_after_accept", count=1)
                    self.run.send(self.pending[key][0])
            case "retell":
                if self.run.deliveries:
                    self.run.deliveries.append(self.run.deliveries[-1])

    def put(self, key: str, status: str) -> None:
        one = self.run.case(key, status)
        action = meaning(one)[2]
        waiting = self.pending[key]
        if action is None:
            self.run.tell(one, "skipped", None, reason="not_yet_active")
            return
        gone = [other for other in waiting if action in ("resolve", meaning(other)[2])]
        for other in gone:
            self.run.superseded(other, by=one)
        if action == "trigger" and gone:  # an acknowledge that came after the older trigger still comes after this one
            waiting[waiting.index(gone[0])] = one
        else:
            waiting[:] = [*(other for other in waiting if other not in gone), one]

    def send(self, key: str) -> None:
        if self.pending[key]:
            one = self.last[key] = self.pending[key].pop(0)
            self.run.done(one)

    def finish(self) -> None:
        for key in self.pending:
            while self.pending[key]:
                self.send(key)


def played(steps: list[tuple[str, str, str]], *, sources: bool) -> Story:
    run = Story(sources=sources)
    product = RightProduct(run)
    for what, key, status in steps:
        product.move(what, key, status)
    product.finish()
    return run.rest()


@settings(max_examples=300, deadline=None)
@given(moves, st.booleans())
def test_a_right_product_is_never_called_wrong(steps: list[tuple[str, str, str]], sources: bool) -> None:
    run = played(steps, sources=sources)
    if run.inputs:
        assert run.verdict().violations == []


def lose_an_outcome(run: Story, which: int) -> bool:
    gone = run.deliveries[which % len(run.deliveries)]["id"]
    run.deliveries = [record for record in run.deliveries if record["id"] != gone]
    return True


def tell_it_otherwise(run: Story, which: int) -> bool:
    record = run.deliveries[which % len(run.deliveries)]
    other = "superseded" if record["outcome"]["status"] != "superseded" else "delivered"
    run.deliveries.append({**record, "outcome": {**record["outcome"], "status": other}})
    return True


def lose_an_input(run: Story, which: int) -> bool:
    del run.inputs[which % len(run.inputs)]
    return bool(run.inputs)


def change_a_final_state(run: Story, which: int) -> bool:
    newest = {incident["dedup_key"]: incident for incident in run.incidents}
    if not newest:
        return False
    incident = list(newest.values())[which % len(newest)]
    incident["status"] = "triggered" if incident["status"] == "resolved" else "resolved"
    return True


def lose_every_request_of_an_action(run: Story, which: int) -> bool:
    told = [record for record in run.deliveries if record["outcome"]["status"] == "delivered"]
    if not told:
        return False
    gone = told[which % len(told)]
    pair = (gone["dedup_key"], gone["action"])
    run.journal = [entry for entry in run.journal if (entry["dedup_key"], entry["action"]) != pair]
    return bool(run.journal)


def replay_the_oldest_trigger(run: Story, which: int) -> bool:
    """A trigger comes once more after its resolve, and then the resolve again, so that the end looks right."""
    for record in run.inputs:
        newer = [one for one in run.inputs if one.offset > record.offset and meaning(one)[1] == meaning(record)[1]]
        told = {(one["id"].split("@")[0], one["outcome"]["status"]) for one in run.deliveries}
        only_resolved = meaning(record)[2] == "trigger" and [meaning(one)[2] for one in newer] == ["resolve"]
        if only_resolved and {(record.id, "delivered"), (newer[0].id, "delivered")} <= told:
            run.send(record)
            run.send(newer[0])
            run.rest()
            return True
    return False


FAULTS: list[Callable[[Story, int], bool]] = [
    lose_an_outcome,
    tell_it_otherwise,
    lose_an_input,
    change_a_final_state,
    lose_every_request_of_an_action,
    replay_the_oldest_trigger,
]


@settings(max_examples=400, deadline=None)
@given(moves, st.booleans(), st.sampled_from(FAULTS), st.integers(0, 100))
def test_one_fault_is_never_overlooked(
    steps: list[tuple[str, str, str]], sources: bool, fault: Callable[[Story, int], bool], which: int
) -> None:
    run = played(steps, sources=sources)
    if run.inputs and fault(run, which):
        assert not run.verdict().ok


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.__name__ for fault in FAULTS])
def test_every_fault_can_be_done(fault: Callable[[Story, int], bool]) -> None:
    steps = [("put", "a", "OPEN"), ("send", "a", ""), ("put", "b", "OPEN"), ("put", "a", "CLOSED"), ("send", "a", "")]
    run = played(steps, sources=True)
    assert run.verdict().ok
    assert fault(run, 0)
    assert not run.verdict().ok
