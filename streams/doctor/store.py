"""Storing what a repair has made in an integration's document."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from streams.documents.changes import plan_changes
from streams.documents.integration import Integration
from streams.documents.log import DocumentLog
from streams.errors import DocumentError, DocumentsChanged
from streams.settings import Settings

TRIES: Final = 5
"""Others may write documents at the same moment; each of them is done within a second."""


async def store(settings: Settings, changed: Integration) -> None:
    """Store subscription and webhook secrets of an integration; all else in its document stays as it is there.

    Raises DocumentError when the document is gone, DocumentsChanged when others would not stop writing, and whatever
    else keeps documents from being written.
    """
    async with DocumentLog(settings) as log:
        for tries_left in reversed(range(TRIES)):
            snapshot = await log.read()
            present = snapshot.integrations.get(changed.id)
            if present is None:
                raise DocumentError(f"there is no integration/{changed.id} any more")
            wanted = replace(present, subscription=changed.subscription, webhook_secrets=changed.webhook_secrets)
            try:
                await log.write(plan_changes(snapshot, [wanted]), by="pagerline doctor")
            except DocumentsChanged:
                if not tries_left:
                    raise
            else:
                return
