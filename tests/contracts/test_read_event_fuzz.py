"""Whatever the bytes are, `read_event` gives one of its three values, and one that keeps its promises."""

from __future__ import annotations

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from streams import contracts
from streams.events import PRIORITIES, Event, Kind, Malformed, Skip, Source, read_event

SOURCE = Source("alerts", 0, 0, 0)
REASONS = {"tombstone", "too_large", "not_utf8", "not_json", "not_object", "too_deep", "wrong_shape"}

kinds = st.sampled_from(["alert", "case"])
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc/~.$ ", max_size=6), inner, max_size=4),
    max_leaves=20,
)


def or_anything(*usual: object) -> st.SearchStrategy[object]:
    """Mostly what stands there, sometimes what should not."""
    return st.sampled_from(usual) | anything


def near(required: dict[str, st.SearchStrategy[object]], names: list[str]) -> st.SearchStrategy[object]:
    """Objects that have most of the right members, with right and wrong values."""
    return st.fixed_dictionaries({}, optional=required | {name: anything for name in names}) | anything


destinations = st.lists(st.fixed_dictionaries({"connectorId": or_anything("payments", "a")}) | anything, max_size=3)
common = {"destinations": destinations | anything, "_context": st.fixed_dictionaries({}) | anything}
alerts = near(
    {
        "alert": near(
            {"groupingKey": or_anything("k", "", None, "x" * 300), "status": or_anything("Triggered", "Resolved")},
            ["id", "groups", "highestPriority", "timestamp"],
        ),
        **common,
    },
    ["alertDef", "more"],
)
cases = near(
    {
        "case": near(
            {
                "id": or_anything("CASE-1", " "),
                "status": or_anything("OPEN", "ACKNOWLEDGED", "PENDING_ACTIVATION", "CLOSED"),
                "state": or_anything("ACTIVE", "RESOLVED", None),
            },
            ["assignee", "casePriority"],
        ),
        **common,
    },
    ["caseEvent", "more"],
)


def check(kind: Kind, value: bytes | None) -> Event | Malformed | Skip:
    found = read_event(kind, value, SOURCE, max_bytes=50_000)
    match found:
        case Malformed():
            assert found.reason in REASONS
            assert found.message
            assert (found.document is not None) == (found.reason == "wrong_shape")
        case Skip():
            assert (found.reason, found.event.action) == ("not_yet_active", None)
        case Event():
            assert found.action in ("trigger", "acknowledge", "resolve")
    if not isinstance(found, Malformed):
        about = found.event if isinstance(found, Skip) else found
        assert about.incident.startswith(kind + ":")
        assert about.dedup_key.strip()
        assert len(about.dedup_key) <= 255
        assert about.priority is None or about.priority in PRIORITIES
        assert len(set(about.connectors)) == len(about.connectors)
        orjson.dumps(about.context)  # what was read can be written again
    return found


@given(kinds, st.none() | st.binary(max_size=200))
def test_arbitrary_bytes(kind: Kind, value: bytes | None) -> None:
    check(kind, value)


@given(kinds, anything)
def test_arbitrary_json(kind: Kind, document: object) -> None:
    assert isinstance(check(kind, orjson.dumps(document)), Malformed) or isinstance(document, dict)


@settings(max_examples=500)
@given(st.tuples(st.just("alert"), alerts) | st.tuples(st.just("case"), cases))
def test_json_that_is_nearly_right_agrees_with_the_contract(pair: tuple[Kind, object]) -> None:
    kind, document = pair
    found = check(kind, orjson.dumps(document))
    problem = contracts.problem(f"{kind}s", document)
    if isinstance(found, Malformed):
        assert problem is not None
        if isinstance(document, dict):
            assert (found.path, found.message) == (problem.path, problem.message)
            assert len(found.message) < 500
    else:
        assert problem is None


@given(st.binary(min_size=1, max_size=3), st.integers(0, 200), st.integers(0, 3))
def test_a_damaged_message(damage: bytes, at: int, cut: int) -> None:
    sound = orjson.dumps(
        {"alert": {"groupingKey": "gk", "status": "Triggered"}, "destinations": [{"connectorId": "a"}]}
    )
    check("alert", sound[:at] + damage + sound[at + cut :])
