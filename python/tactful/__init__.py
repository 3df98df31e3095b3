"""tactful: an embeddable customer decision engine.

A playbook and the events of customers go in; explained decisions come out. Nothing here reads a clock: ``now`` is always given,
as an aware :class:`datetime.datetime` or as RFC 3339 text.

Example:
    >>> import tactful
    >>> engine = tactful.Engine.compile({"shop.yaml": '''
    ... playbook: shop
    ... version: 1
    ... identity: {customer: {}}
    ... events: {purchase: {amount: money(EUR)}}
    ... channels: {web: text}
    ... placements: {home: {channel: web}}
    ... offers:
    ...   thanks:
    ...     eligible: events("purchase").within("90d").count() >= 1
    ...     treatments: {web: {message: Thank you for your order.}}
    ... '''})
    >>> ada = engine.customer("customer:ada")
    >>> event = tactful.Event("purchase", "2010-03-01T10:00:00Z", "customer:ada", properties={"amount": "12.50"})
    >>> engine.record(ada, event).arrival
    'new'
    >>> engine.decide(ada, "home", "2010-03-02T10:00:00Z").placements[0].offers[0].message
    'Thank you for your order.'
"""

from ._tactful import (
    Comparison,
    Customer,
    CustomerBase,
    Decision,
    Effect,
    Effects,
    Engine,
    Erasure,
    Event,
    EventLog,
    Explanation,
    Expression,
    Forecast,
    JourneyMap,
    JourneyPlan,
    JourneyStay,
    JourneyWalk,
    PlacementAnswer,
    Portrait,
    Ranked,
    Replay,
    Reservation,
    Row,
    RuleSet,
    Table,
    Tombstones,
    Trace,
    Transitions,
    Trends,
    TrendSnapshot,
    __version__,
    format_expression,
    format_playbook,
)
from .errors import (
    Diagnostic,
    EventError,
    ExpressionError,
    FileError,
    InternalError,
    LogError,
    MissingFileError,
    PlaybookError,
    QueryError,
    ReplayError,
    RequestError,
    StateError,
    TactfulError,
    TrendError,
)
from .intake import Intake, intake
from .kinds import Optional, TypeName, Uint
from .mining import directly_follows, funnel, variants
from .unknown import UNKNOWN, Unknown

__all__ = [
    "UNKNOWN",
    "Comparison",
    "Customer",
    "CustomerBase",
    "Decision",
    "Diagnostic",
    "Effect",
    "Effects",
    "Engine",
    "Erasure",
    "Event",
    "EventError",
    "EventLog",
    "Explanation",
    "Expression",
    "ExpressionError",
    "FileError",
    "Forecast",
    "Intake",
    "InternalError",
    "JourneyMap",
    "JourneyPlan",
    "JourneyStay",
    "JourneyWalk",
    "LogError",
    "MissingFileError",
    "Optional",
    "PlacementAnswer",
    "PlaybookError",
    "Portrait",
    "QueryError",
    "Ranked",
    "Replay",
    "Reservation",
    "ReplayError",
    "RequestError",
    "Row",
    "RuleSet",
    "StateError",
    "Table",
    "TactfulError",
    "Tombstones",
    "Trace",
    "TrendError",
    "TrendSnapshot",
    "Transitions",
    "Trends",
    "TypeName",
    "Uint",
    "Unknown",
    "__version__",
    "directly_follows",
    "format_expression",
    "format_playbook",
    "funnel",
    "intake",
    "variants",
]
