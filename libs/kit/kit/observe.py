"""Logs as JSON lines with request and correlation ids, and the metrics every process keeps."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog
from prometheus_client import Counter, Gauge, Histogram

from kit import context, traces

LATENCY_BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

http_requests = Counter("http_requests_total", "Answered requests", ["method", "route", "status"])
http_seconds = Histogram("http_request_seconds", "Time to answer", ["method", "route"], buckets=LATENCY_BUCKETS_SECONDS)
events_published = Counter("events_published_total", "Events confirmed by the message bus", ["type"])
events_unroutable = Counter("events_unroutable_total", "Events nobody was bound for", ["type"])
events_lag_seconds = Histogram(
    "event_publish_lag_seconds", "From commit to confirm", ["source"], buckets=LATENCY_BUCKETS_SECONDS
)
events_caught_up = Gauge("events_caught_up_timestamp_seconds", "When nothing was left to publish", ["source"])
messages_handled = Counter("messages_handled_total", "Messages by outcome", ["consumer", "type", "outcome"])
message_seconds = Histogram(
    "message_seconds", "Time to handle a message", ["consumer", "type"], buckets=LATENCY_BUCKETS_SECONDS
)
websocket_clients = Gauge("websocket_clients", "Open WebSocket connections", ["hub"])

log: structlog.stdlib.BoundLogger = structlog.get_logger()


def _add_ids(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if (request_id := context.request.get()) is not None:
        event.setdefault("request_id", request_id)
    if (correlation_id := context.correlation.get()) is not None:
        event.setdefault("correlation_id", str(correlation_id))
    return event


_SHARED: Final[list[structlog.types.Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _add_ids,
]
# The very list, however often logging is configured: a logger that was used before keeps the list it was born with.
_PROCESSORS: Final[list[structlog.types.Processor]] = [*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter]


def configure_logging(service: str, level: int = logging.INFO) -> None:
    """Send everything, our own and the libraries' lines, to standard output as JSON, a line each; trace, if told."""
    traces.begin(service)
    structlog.configure(
        processors=_PROCESSORS,
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    structlog.contextvars.bind_contextvars(service=service)
    # httpx logs whole URLs, secrets included
    for chatty in ("httpx", "httpcore", "aio_pika", "aiormq", "uvicorn.access"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
