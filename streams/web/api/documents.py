"""`/api/v1/documents`: all of them at once, as `pagerline apply`, `diff`, `get` and `delete` do it."""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

from streams.documents.changes import Changes, plan_changes, plan_deletion
from streams.documents.diff import unified
from streams.documents.document import KINDS, Document, Kind, kind_of
from streams.documents.parse import load_documents
from streams.documents.show import to_document
from streams.documents.system_presets import SYSTEM
from streams.documents.written import Written
from streams.errors import DocumentError, DocumentsWrong, UsageError
from streams.web.api.shapes import ID
from streams.web.api.writing import IF_MATCH, PROBLEMS, delete, etag, write
from streams.web.operation import Call, Operation, Parameter, Reply
from streams.web.problem import ApiError, not_found
from streams.web.schema import BOOLEAN, OBJECT, Named, many, obj, one_of, text, whole


async def apply(call: Call) -> Reply:
    wanted, dry_run = await asyncio.to_thread(written, call), call.query.get("dryRun", False)
    prune = call.query.get("prune", False)
    changes, after = await write(
        call, lambda there: plan_changes(there, wanted, prune=prune), dry_run=dry_run, places=True
    )
    return Reply({"dryRun": dry_run, **_told(changes), "revision": after.head}, headers=etag(after))


async def diff(call: Call) -> Reply:
    snapshot = await call.backend.read()
    wanted = await asyncio.to_thread(written, call)
    changes = await asyncio.to_thread(plan_changes, snapshot, wanted, prune=call.query.get("prune", False))
    return Reply(
        {
            **_told(changes),
            "revision": snapshot.head,
            "diff": "\n".join(line for change in changes.writes for line in unified(change)),
        },
        headers=etag(snapshot),
    )


async def list_documents(call: Call) -> Reply:
    snapshot = call.backend.snapshot
    kinds = call.query.get("kind", KINDS)
    found: list[Document] = [one for one in snapshot.documents if kind_of(one) in kinds]
    if "preset" in kinds:
        found += SYSTEM.values()
    return Reply(
        {
            "revision": snapshot.head,
            "documents": [to_document(one) for one in found],
            "problems": [
                {"document": name, "reason": one.reason, "where": one.where} for name, one in snapshot.problems.items()
            ],
        },
        headers=etag(snapshot),
    )


async def show(call: Call) -> Reply:
    snapshot, kind, name = call.backend.snapshot, cast(Kind, call.path["kind"]), call.path["id"]
    found = snapshot.of(kind).get(name) or (SYSTEM.get(name) if kind == "preset" else None)
    if found is None:
        raise not_found(f"{kind} {name[:128]}")
    return Reply(to_document(found), headers=etag(snapshot))


async def remove(call: Call) -> Reply:
    kind, name = cast(Kind, call.path["kind"]), call.path["id"]
    return await delete(call, kind, name, lambda snapshot: plan_deletion(snapshot, kind, name))


def written(call: Call) -> list[Written]:
    """The documents of a body: what a file would hold. Raises DocumentsWrong; ApiError when there is none.

    Some seconds for the largest body, so that it belongs in a thread: webhooks wait for the same loop.
    """
    try:
        return load_documents(["-"], lambda: call.text)
    except UsageError:
        raise ApiError("wrong-request", "there is no document in the body") from None
    except DocumentsWrong as wrong:
        raise DocumentsWrong(
            DocumentError(one.message, line=one.line, column=one.column, path=one.path, remedy=one.remedy)
            for one in wrong.problems
        ) from None


def _told(changes: Changes) -> dict[str, Any]:
    return {
        "changes": [{"verb": change.verb, "document": change.name} for change in changes],
        "warnings": list(changes.warnings),
    }


_BODY: Final = Named(
    "Documents",
    {
        "anyOf": [OBJECT, many(OBJECT, least=1)],
        "description": "What a file for `pagerline apply` holds: one document, a list, or the wrappings of the "
        "documented API (`{connectors: […]}`). Kinds: integration, connector, preset, router.",
        "examples": [
            {
                "kind": "connector",
                "id": "search",
                "type": "PAGERDUTY",
                "name": "Search",
                "fields": {"integrationKey": "930fffffffffffffffffffffffffff02"},
            }
        ],
    },
)
_CHANGES: Final = {
    "changes": many(
        obj({"verb": one_of("created", "changed", "unchanged", "deleted"), "document": text()}, ("verb", "document"))
    ),
    "warnings": many(text("What works, and is hardly meant.")),
    "revision": whole(0),
}
_PRUNE: Final = Parameter("prune", "query", BOOLEAN, "Delete the stored documents that the body does not name.")
_KIND: Final = Parameter("kind", "path", {**one_of(*KINDS), "examples": ["connector"]}, "Kind.", required=True)


def _path_id(example: str) -> Parameter:
    return Parameter("id", "path", {**ID, "examples": [example]}, "Id.", required=True)


OPERATIONS = (
    Operation(
        "POST",
        "/api/v1/documents/apply",
        "applyDocuments",
        "documents",
        "Create and change documents, all or none",
        apply,
        description="All are checked first, with each other and with those stored. When one is wrong every fault is "
        "answered, with line and column in the body, and nothing is written. All take effect at once.",
        body=_BODY,
        yaml=True,
        parameters=(
            Parameter("dryRun", "query", BOOLEAN, "Check everything, say what would be done, and do not do it."),
            _PRUNE,
            IF_MATCH,
        ),
        answers={200: obj({"dryRun": BOOLEAN, **_CHANGES}, ("dryRun", "changes", "warnings", "revision"))},
        problems=PROBLEMS,
    ),
    Operation(
        "POST",
        "/api/v1/documents/diff",
        "diffDocuments",
        "documents",
        "What apply would change, as a unified diff",
        diff,
        body=_BODY,
        yaml=True,
        parameters=(_PRUNE,),
        answers={200: obj({**_CHANGES, "diff": text()}, ("changes", "warnings", "revision", "diff"))},
        problems=("wrong-document",),
    ),
    Operation(
        "GET",
        "/api/v1/documents",
        "listDocuments",
        "documents",
        "All documents in Pagerline's own form, secrets masked",
        list_documents,
        parameters=(Parameter("kind", "query", many(one_of(*KINDS), most=len(KINDS)), "Of these kinds alone."),),
        answers={
            200: obj(
                {
                    "revision": whole(0),
                    "documents": many(OBJECT),
                    "problems": many(
                        obj(
                            {"document": text(), "reason": text(), "where": text()},
                            ("document", "reason", "where"),
                            description="A document whose newest record cannot be read; the one before stays in use.",
                        )
                    ),
                },
                ("revision", "documents", "problems"),
            )
        },
    ),
    Operation(
        "GET",
        "/api/v1/documents/{kind}/{id}",
        "getDocument",
        "documents",
        "One document in Pagerline's own form, secrets masked",
        show,
        parameters=(_KIND, _path_id("search")),
        answers={200: OBJECT},
        problems=("not-found",),
    ),
    Operation(
        "DELETE",
        "/api/v1/documents/{kind}/{id}",
        "deleteDocument",
        "documents",
        "Delete a document that nothing refers to",
        remove,
        parameters=(_KIND, _path_id("search"), IF_MATCH),
        answers={200: obj({})},
        problems=(*PROBLEMS, "not-found"),
    ),
)
