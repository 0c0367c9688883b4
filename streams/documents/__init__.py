"""Documents: connectors, integrations, presets and routers, and the compacted topic that holds them.

What other packages call:

    from streams.documents.parse import load_documents, parse_json
    load_documents(paths, stdin) -> list[Written]       # files, directories, "-"; raises DocumentsWrong with all faults
    parse_json(kind, value) -> Written                  # own form or the documented API's; raises DocumentsWrong
                                                        # Written.document is the Connector, Integration, Preset, Router
    from streams.documents.changes import plan_changes, plan_deletion
    plan_changes(snapshot, wanted, prune=False) -> Changes      # checks everything together; raises DocumentsWrong
    plan_deletion(snapshot, kind, id) -> Changes                # raises DocumentError (not there, or still referred to)
                                                        # Changes: base (revision), changes, warnings, writes
    from streams.documents.api import to_api
    to_api(document, show=masked) -> dict               # the documented API's shape, secrets masked

    from streams.documents.log import DocumentLog
    async with DocumentLog(settings) as log:            # follows the topic while it is open
        log.snapshot                                    # what has been read so far, never changes
        await log.read()                                # all that is there now
        await log.write(changes, by="web") -> Snapshot  # one apply; raises DocumentsChanged when somebody was quicker

`Snapshot` (`streams.documents.snapshot`): connectors, integrations, presets, routers by id; problems by kind and id
(`connector/payments`); revision. System presets are not in it: `streams.documents.system_presets.SYSTEM`.
"""
