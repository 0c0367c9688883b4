"""Removes the white space that tags with a `-` ask for.

What counts is Tera's order of events: text is trimmed only when it is the direct neighbour of the tag, and of a body
only the outermost text. Text that becomes empty disappears, and the tag before it becomes the next tag's neighbour.
"""

from __future__ import annotations

from dataclasses import replace

from streams.templating.tree import (
    Block,
    Branch,
    Comment,
    FilterSection,
    For,
    If,
    Include,
    Leave,
    Macro,
    Node,
    Print,
    Raw,
    Set,
    Super,
    Text,
    Trim,
)
from streams.templating.values import WHITE_SPACE


def without_white_space(nodes: list[Node], around: Trim | None = None) -> list[Node]:
    """``nodes`` trimmed; ``around`` says whether the tags around this body trim its ends."""
    kept = list[Node]()
    after_text = False  # the node before this one was text, whether or not anything was left of it
    trim_next = around is not None and around.left
    for node in nodes:
        if isinstance(node, Text):
            after_text = True
            text = node.text.lstrip(WHITE_SPACE) if trim_next else node.text
            trim_next = False
            if text:
                kept.append(Text(text))
            continue
        if isinstance(node, Super):
            after_text = False
            kept.append(node)
            continue
        if isinstance(node, If):
            if after_text and node.branches[0].trim.left:
                _trim_end(kept)
            kept.append(_trimmed_if(node))
            trim_next = node.end.right
        elif isinstance(node, Print | Include | Set | Leave | Comment):
            if after_text and node.trim.left:
                _trim_end(kept)
            trim_next = node.trim.right
            kept.append(node)
        else:
            if after_text and node.start.left:
                _trim_end(kept)
            trim_next = node.end.right
            kept.append(_trimmed_body(node))
        after_text = False
    if around is not None and around.right:
        _trim_end(kept)
    return kept


def _trim_end(nodes: list[Node]) -> None:
    """Trim the last node if it is text."""
    if nodes and isinstance(last := nodes[-1], Text):
        nodes.pop()
        text = last.text.rstrip(WHITE_SPACE)
        if text:
            nodes.append(Text(text))


def _trimmed_body(node: Raw | For | FilterSection | Block | Macro) -> Node:
    if isinstance(node, Raw):
        text = node.text.lstrip(WHITE_SPACE) if node.start.right else node.text
        return replace(node, text=text.rstrip(WHITE_SPACE) if node.end.left else text)
    return replace(node, body=without_white_space(node.body, Trim(node.start.right, node.end.left)))


def _trimmed_if(node: If) -> If:
    branches = list[Branch]()
    for branch in node.branches:
        if branch.trim.left and branches:
            _trim_end(branches[-1].body)
        body = without_white_space(branch.body, Trim(branch.trim.right, False))
        branches.append(replace(branch, body=body))
    if node.end.left:
        _trim_end(branches[-1].body)
    return replace(node, branches=branches)
