"""What an apply looks at before it writes: references, what fits what, what is odd, and what a deletion breaks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from documents_story import Topic, both_ways, connector, integration, preset, router

from streams.documents.advice import always_true, never_true
from streams.documents.changes import Changes, plan_changes, plan_deletion
from streams.documents.document import Document, Kind
from streams.documents.router import Rule, Target
from streams.documents.secrets import Secret
from streams.documents.snapshot import NOTHING, Record, Snapshot
from streams.errors import DocumentError, DocumentsWrong

PAYMENTS = (Target("payments"),)


def stored(*documents: Document) -> Snapshot:
    topic = Topic()
    topic.apply(1, *documents)
    return topic.snapshot()


def refused(snapshot: Snapshot, *wanted: Document, **options: Any) -> list[str]:
    with pytest.raises(DocumentsWrong) as wrong:
        plan_changes(snapshot, wanted, **options)
    assert all(fault.remedy for fault in wrong.value.problems)
    return [f"{fault.path}: {fault.message}" for fault in wrong.value.problems]


def warned(*wanted: Document, snapshot: Snapshot = NOTHING) -> list[str]:
    return list(plan_changes(snapshot, wanted).warnings)


def verbs(changes: Iterable[Any]) -> list[tuple[str, str]]:
    return [(change.verb, change.name) for change in changes]


def rule(
    condition: str = "true", entity: Any = "alerts", targets: tuple[Target, ...] = PAYMENTS, name: str = "r"
) -> Rule:
    return Rule(name, entity, condition, targets)


class TestReferences:
    def test_may_lead_to_what_is_stored_to_what_comes_with_them_and_to_system_presets(self) -> None:
        there = stored(integration(), connector())
        wanted = [
            router("team", Target("payments", "short"), Target("cases"), fallback={}),
            preset(parent="preset_system_pagerduty_alerts_basic"),
            both_ways(),
        ]
        assert verbs(plan_changes(there, wanted)) == [
            ("created", "router/team"),
            ("created", "preset/short"),
            ("created", "connector/cases"),
        ]

    def test_that_lead_nowhere(self) -> None:
        wanted = (both_ways(), preset(parent="longer"), router("team", Target("x", "y"), fallback={"cases": PAYMENTS}))
        assert refused(stored(), *wanted) == [
            "fields.integrationId: there is no integration/acme",
            "parent: there is no preset/longer",
            "rules[0].targets[0].connector: there is no connector/x",
            "rules[0].targets[0].preset: there is no preset/y",
            "fallback.cases.targets[0].connector: there is no connector/payments",
        ]

    def test_to_something_that_nobody_can_read_are_taken_on_trust(self) -> None:
        there = NOTHING.after([Record(b"connector/payments", b"{", "connectors/0/0")], Topic().cipher)
        assert verbs(plan_changes(there, [router()])) == [("created", "router/team")]

    @pytest.mark.parametrize(
        ("target", "entity", "says"),
        [
            (Target("payments", "for-cases"), "alerts", "preset/for-cases is for cases, and this is for alerts"),
            (
                Target("cases", "for-cases"),
                "cases",
                "preset/for-cases is for connectors of type PAGERDUTY, and connector/cases is of type "
                "PAGERDUTY_INCIDENTS",
            ),
        ],
    )
    def test_to_presets_must_fit(self, target: Target, entity: Any, says: str) -> None:
        there = stored(integration(), connector(), both_ways(), preset("for-cases", entity="cases"))
        found = refused(there, router(rules=(rule(entity=entity, targets=(target,)),)))
        assert found == [f"rules[0].targets[0].preset: {says}"]

    def test_presets_above_a_preset_must_fit_and_end(self) -> None:
        found = refused(
            NOTHING,
            preset("a", parent="b"),
            preset("b", parent="a"),
            preset("c", entity="cases", parent="preset_system_pagerduty_alerts_basic"),
            *(preset(f"p{number}", parent=f"p{number + 1}") for number in range(9)),
            preset("p9"),
        )
        assert found[:3] == [
            "parent: leads back to itself: a > b > a",
            "parent: leads back to itself: b > a > b",
            "parent: preset/preset_system_pagerduty_alerts_basic is for alerts, and this is for cases",
        ]
        assert found[3:] == [
            "parent: has 9 presets above it, 7 is the limit",
            "parent: has 8 presets above it, 7 is the limit",
        ]

    def test_of_what_stays_must_still_fit(self) -> None:
        there = stored(connector(), preset(), router("team", Target("payments", "short")))
        assert refused(there, preset(entity="cases")) == [
            "rules[0].targets[0].preset: router/team, which stays as it is: preset/short is for cases, and this is for "
            "alerts"
        ]

    def test_faults_that_are_stored_already_do_not_stop_others(self) -> None:
        topic = Topic()
        topic.plain(router())  # an older version could write it
        assert verbs(plan_changes(topic.snapshot(), [connector("other")])) == [("created", "connector/other")]


class TestPrune:
    THERE = stored(integration(), connector(), both_ways(), preset(), router("team", Target("payments", "short")))

    def test_deletes_what_is_not_wanted_those_first_that_refer(self) -> None:
        assert verbs(plan_changes(self.THERE, [connector()], prune=True)) == [
            ("unchanged", "connector/payments"),
            ("deleted", "router/team"),
            ("deleted", "preset/short"),
            ("deleted", "connector/cases"),
            ("deleted", "integration/acme"),
        ]
        assert len(plan_changes(self.THERE, [connector()]).writes) == 0

    def test_of_what_is_still_referred_to_is_refused(self) -> None:
        found = refused(self.THERE, router("team", Target("payments", "short")), prune=True)
        assert found == [
            "rules[0].targets[0].connector: names connector/payments, which is deleted with this",
            "rules[0].targets[0].preset: names preset/short, which is deleted with this",
        ]


class TestDeletion:
    THERE = stored(integration(), connector(), both_ways(), preset(), router("team", Target("payments", "short")))

    @pytest.mark.parametrize(
        ("kind", "id_", "says"),
        [
            ("connector", "payments", "connector/payments is not deleted: router/team refers to it"),
            ("preset", "short", "preset/short is not deleted: router/team refers to it"),
            ("integration", "acme", "integration/acme is not deleted: connector/cases refers to it"),
            ("router", "other", "there is no router/other; `pagerline get routers` lists all"),
            (
                "preset",
                "preset_system_pagerduty_alerts_basic",
                "preset/preset_system_pagerduty_alerts_basic is Pagerline's own and cannot be deleted",
            ),
        ],
    )
    def test_is_refused_with_what_refers_to_it(self, kind: Kind, id_: str, says: str) -> None:
        with pytest.raises(DocumentError) as wrong:
            plan_deletion(self.THERE, kind, id_)
        assert str(wrong.value).startswith(says)

    def test_of_what_nothing_refers_to(self) -> None:
        changes = plan_deletion(self.THERE, "router", "team")
        assert verbs(changes) == [("deleted", "router/team")]
        assert changes.base == 1

    def test_of_what_cannot_be_read(self) -> None:
        there = NOTHING.after([Record(b"connector/payments", b"{", "connectors/0/0")], Topic().cipher)
        assert verbs(plan_deletion(there, "connector", "payments")) == [("deleted", "connector/payments")]

    def test_of_what_is_referred_to_by_force(self) -> None:
        changes = plan_deletion(self.THERE, "connector", "payments", force=True)
        assert verbs(changes) == [("deleted", "connector/payments")]
        assert changes.warnings[0] == (
            "router/team: rules[0].targets[0].connector: names connector/payments, which is deleted with this"
        )

    def test_tells_of_connectors_that_lose_their_last_router(self) -> None:
        there = stored(connector(), connector("other"), router(), router("other", Target("other")))
        assert plan_deletion(there, "router", "other").warnings == (
            "connector/other: no router leads to it; only events that name it reach it",
        )


class TestAdvice:
    """What is told, and stops nothing."""

    def test_a_sound_set_is_left_alone(self) -> None:
        wanted = [
            integration(),
            connector(),
            both_ways(),
            preset(),
            router("team", Target("payments", "short")),
            router("cases", rules=(rule("case.status == 'OPEN'", "cases", (Target("cases"),)),)),
        ]
        assert warned(*wanted) == []

    def test_a_router_that_could_send_alerts_both_ways(self) -> None:
        wanted = router("team", Target("payments"), Target("cases"), fallback={"alerts": (Target("cases"),)})
        found = warned(integration(), connector(), both_ways(), wanted)
        assert found[0] == (
            "router/team: rule 'all' sends alerts to connector/cases, which is of type PAGERDUTY_INCIDENTS and takes "
            "cases only: they are skipped there"
        )
        assert found[1].startswith("router/team: the fallback sends alerts to connector/cases")

    def test_connectors_that_no_router_leads_to_once_there_are_routers(self) -> None:
        assert warned(connector(), connector("lonely")) == []
        sentence = "connector/lonely: no router leads to it; only events that name it reach it"
        assert warned(connector(), connector("lonely"), router()) == [sentence]
        there = stored(connector(), connector("lonely"), router("team", Target("payments"), Target("lonely")))
        assert warned(router("team", Target("payments")), snapshot=there) == [sentence]
        assert warned(connector(name="Renamed"), snapshot=there) == []
        assert warned(router("team", Target("payments"), Target("lonely"), disabled=True), snapshot=there) == []

    @pytest.mark.parametrize(
        ("condition", "entity", "says"),
        [
            ("false", "alerts", "rule 'r' never holds"),
            ("not true", "alerts", "rule 'r' never holds"),
            ("1 == 2", "alerts", "rule 'r' never holds"),
            ("'P1'", "alerts", "rule 'r' never holds"),
            ("case.status == 'OPEN'", "alerts", "asks for what only cases have; write entity: cases"),
            ("alertDef.name == 'x' and alert.status == 'y'", "cases", "write entity: alerts"),
            ("alertDef.severity == 'high'", "alerts", "alertDef.severity is no field of the documented events"),
            ("alertDef.prority == 'P1'", "alerts", "(did you mean alertDef.priority?)"),
            ("alert.value > 80", "alerts", "alert.value is no field"),
        ],
    )
    def test_rules_that_never_hold(self, condition: str, entity: Any, says: str) -> None:
        (warning,) = warned(connector(), router(rules=(rule(condition, entity),)))
        assert says in warning

    @pytest.mark.parametrize(
        "condition",
        [
            "true",
            "case is defined and case.status == 'OPEN' or alertDef.name == 'x'",
            "alertDef.name == 'ask case.status'",
            "alertDef.entityLabels.alert.anything == 'x'",
            "_context.entitySubType == 'x'",
        ],
    )
    def test_rules_that_may_hold(self, condition: str) -> None:
        assert warned(connector(), router(rules=(rule(condition),))) == []

    def test_a_fallback_that_is_never_used_and_a_rule_said_twice(self) -> None:
        found = warned(
            connector(),
            router(rules=(rule(name="a"), rule(name="b")), fallback={"alerts": PAYMENTS, "cases": PAYMENTS}),
        )
        assert found == [
            "router/team: rule 'b' says the same as rule 'a'",
            "router/team: the fallback for alerts is never used: rule 'a' always holds",
        ]

    def test_a_service_that_the_integration_does_not_list(self) -> None:
        found = warned(integration(services={"Ledger": "P1"}), both_ways())
        assert found == ["connector/cases: fields.service: integration/acme does not list the service 'PAYM3NT'"]

    def test_many_of_a_kind_are_counted(self) -> None:
        found = warned(connector(), router(), *(connector(f"c{number}") for number in range(30)))
        assert len(found) == 21
        assert found[-1] == "and 10 more warnings of this kind"

    def test_what_stays_as_it_is_is_not_warned_about_again(self) -> None:
        odd = router(rules=(rule("false"),))
        assert warned(odd, snapshot=stored(connector(), odd)) == []

    def test_constants(self) -> None:
        assert [never_true(text) for text in ("false", "not (true or false)", "'a' == 'b'")] == [True] * 3
        assert [always_true(text) for text in ("true", "true or false", "'a' == 'a'")] == [True] * 3
        assert not never_true("falsehood == 'x'")


def test_a_change_of_a_connectors_type_is_refused_with_the_remedy() -> None:
    with pytest.raises(DocumentsWrong) as wrong:
        plan_changes(stored(integration(), connector("cases")), [both_ways()])
    assert str(wrong.value) == (
        "type: connector cases is of type PAGERDUTY, which stays fixed for life; make a new connector of type "
        "PAGERDUTY_INCIDENTS under another id"
    )


def test_changes_are_made_from_the_newest_revision_even_while_it_is_held_back() -> None:
    snapshot = Snapshot({}, {}, revision=3, head=5)
    assert isinstance(plan_changes(snapshot, [connector()]), Changes)
    assert plan_changes(snapshot, [connector()]).base == 5


def test_what_the_doctor_has_stored_stays_when_a_file_does_not_name_it() -> None:
    secret = Secret("whsec-0123456789abcdef")
    there = stored(integration(subscription="PWHSUB1", webhook_secrets=(secret,), version=1))
    [change] = plan_changes(there, [integration(webhook_secrets=())])
    assert change.verb == "unchanged"
    [change] = plan_changes(there, [integration(name="Other", webhook_secrets=())])
    assert change.document == integration(name="Other", subscription="PWHSUB1", webhook_secrets=(secret,), version=2)
    other = Secret("whsec-of-our-own-choosing")
    [change] = plan_changes(there, [integration(subscription="PW2", webhook_secrets=(other,))])
    assert change.document == integration(subscription="PW2", webhook_secrets=(other,), version=2)
