"""Messages of other systems as events."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from ._tactful import Engine, Event
from .errors import EventError

__all__ = ["Intake", "intake"]


@dataclass(frozen=True)
class Intake:
    """What messages held."""

    #: The events, in the order of the messages.
    events: list[Event]
    #: Messages that cannot be read; they are not raised, because the others can be.
    refused: list[EventError]
    #: Parts that the playbook does not declare: from paths to reasons.
    left_out: dict[str, str]


def intake(
    engine: Engine,
    messages: str | bytes | Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    form: Literal["own", "segment", "cloud_events"] | None = None,
    headers: Mapping[str, str] | Iterable[tuple[str | bytes, str | bytes]] | None = None,
    received_at: datetime | str | None = None,
) -> Intake:
    """Reads messages of Segment-compatible SDKs, CloudEvents or tactful's own as events of a playbook; records nothing.

    Args:
        engine: whose playbook says, under ``intake``, what others call things.
        messages: JSON text of at most 4 MiB, or a message, several, or a batch of Segment's, of at most 1 MiB as JSON; with ``headers`` the
            body of a request.
        form: the form; told from the keys of each message when not given, or from the headers.
        headers: of an HTTP request, which say what the body is: a CloudEvent in binary mode (``ce-type`` and the others), in structured
            mode, a batch, or messages of other systems.
        received_at: when the host got them: corrects the clocks of devices and becomes ``known_at``.

    Raises:
        EventError: for text that as a whole is no JSON object or list, or too long, and for headers that cannot be read.
        QueryError: likewise for what is no text.

    Example:
        >>> taken = tactful.intake(engine, {"type": "track", "event": "Visit", "userId": "17", "timestamp": "2010-03-01T10:00:00Z"})
        >>> taken.events[0].type, taken.events[0].identifiers
        ('visit', ['customer:17'])

        >>> binary = {"ce-specversion": "1.0", "ce-type": "visit", "ce-source": "/site", "ce-id": "1", "ce-time": "2010-03-01T10:00:00Z"}
        >>> tactful.intake(engine, b"{}", headers={**binary, "ce-subject": "customer:17"}).events[0].id
        '/site#1'
    """
    if headers is not None:
        if form is not None:
            raise EventError("headers tell the form; leave one of them out", "unknown_form", "form")
        told = headers.items() if isinstance(headers, Mapping) else headers
        pairs = [(_text(name), _text(value)) for name, value in told]
        body = messages if isinstance(messages, (str, bytes)) else json.dumps(messages)
        body = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
        events, refused, left_out = engine._intake_http(pairs, body, received_at)
        return Intake(events, refused, dict(left_out))
    if isinstance(messages, bytes):
        messages = messages.decode("utf-8", "surrogateescape")
    if isinstance(messages, str):
        events, refused, left_out = engine._intake(messages, form, received_at)
        return Intake(events, refused, dict(left_out))
    question: dict[str, object] = {"query": "intake", "message": messages}
    if form is not None:
        question["form"] = form
    if received_at is not None:
        question["received_at"] = received_at
    answer = engine.query(None, question)
    return Intake(
        [Event.from_json(json.dumps(event)) for event in answer["events"]],
        [EventError(error["message"], error["code"], error["path"]) for error in answer["refused"]],
        {part["path"]: part["reason"] for part in answer["left_out"]},
    )


def _text(header: str | bytes) -> str:
    """Headers are Latin-1, as servers hand them on."""
    return header.decode("latin-1") if isinstance(header, bytes) else header
