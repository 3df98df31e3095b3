"""Messages of other systems as events."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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
    messages: str | Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    form: Literal["own", "segment", "cloud_events"] | None = None,
    received_at: datetime | str | None = None,
) -> Intake:
    """Reads messages of Segment-compatible SDKs, CloudEvents or tactful's own as events of a playbook; records nothing.

    Args:
        engine: whose playbook says, under ``intake``, what others call things.
        messages: JSON text of at most 4 MiB, or a message, several, or a batch of Segment's, of at most 1 MiB as JSON.
        form: the form; told from the keys of each message when not given.
        received_at: when the host got them: corrects the clocks of devices and becomes ``known_at``.

    Raises:
        EventError: for text that as a whole is no JSON object or list, or too long.
        QueryError: likewise for what is no text.

    Example:
        >>> taken = tactful.intake(engine, {"type": "track", "event": "Visit", "userId": "17", "timestamp": "2010-03-01T10:00:00Z"})
        >>> taken.events[0].type, taken.events[0].identifiers
        ('visit', ['customer:17'])
    """
    if isinstance(messages, str):
        events, refused, left_out = engine._intake(messages, form, received_at)
        return Intake(events, refused, dict(left_out))
    question: dict[str, object] = {"query": "intake", "message": messages}
    if form is not None:
        question["form"] = form
    if received_at is not None:
        question["received_at"] = received_at
    told = engine.query(None, question)
    return Intake(
        [Event.from_json(json.dumps(event)) for event in told["events"]],
        [EventError(error["message"], error["code"], error["path"]) for error in told["refused"]],
        {part["path"]: part["reason"] for part in told["left_out"]},
    )
