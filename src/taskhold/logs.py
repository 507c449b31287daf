"""Logs: pretty on a terminal, JSON lines otherwise; never a body, a header or a secret.

A command says what a server logs as it says all else: a line that begins with `taskhold:`.
"""

import logging
import sys
from contextvars import ContextVar

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from taskhold.settings import Settings

request_id_var: ContextVar[str | None] = ContextVar("request_id", default=None)


def configure_logs(settings: Settings, *, whole_process: bool) -> None:
    """Send our events to standard error; with `whole_process` also the libraries' warnings."""
    pretty = settings.log_format == "pretty" or (
        settings.log_format == "auto" and sys.stderr.isatty()
    )
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        _add_request_id,
        structlog.processors.TimeStamper(fmt="iso", utc=not pretty),
    ]
    if pretty:
        # A plain traceback: the other ones show the variables, and so what people keep here.
        plain = structlog.dev.plain_traceback
        last: list[Processor] = [structlog.dev.ConsoleRenderer(exception_formatter=plain)]
    else:
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    _send(settings, shared, last, whole_process=whole_process)


def configure_command_logs(settings: Settings) -> None:
    """Send our events and the libraries' warnings to standard error, as a command's lines."""
    _send(settings, [structlog.processors.format_exc_info], [_as_a_line], whole_process=True)


def _send(
    settings: Settings, shared: list[Processor], last: list[Processor], *, whole_process: bool
) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    ours = logging.getLogger("taskhold")
    ours.handlers, ours.propagate = [handler], False
    ours.setLevel(settings.log_level.upper())
    if whole_process:
        logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def _add_request_id(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    request_id = request_id_var.get()
    if request_id is not None:
        event["request_id"] = request_id
    return event


def _as_a_line(_: WrappedLogger, __: str, event: EventDict) -> str:
    sentence, exception = event.pop("event"), event.pop("exception", None)
    details = ", ".join(f"{name} {what}" for name, what in event.items())
    line = f"taskhold: {sentence}" + (f" ({details})" if details else "")
    return f"{line}\n{exception}" if exception else line
