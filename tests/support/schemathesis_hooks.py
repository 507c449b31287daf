"""What schemathesis can't know of Taskhold from a schema; it loads this by SCHEMATHESIS_HOOKS."""

from typing import Any

import schemathesis
from schemathesis.specs.openapi.checks import positive_data_acceptance, use_after_free

NOT_THE_SCHEMAS_TO_SAY = (
    # A key that an earlier request with another path or body has used.
    {"type": "/problems/idempotency-mismatch"},
    # An If-Match that names no ETag of the task: schemathesis sends any text.
    {"type": "/problems/version-conflict"},
    # A number of `/changes?after=` that the journal has not reached.
    {"type": "/problems/cursor-gone"},
    # A text that no `Link` has given out, or one together with `offset`.
    {"type": "/problems/validation", "errors": [{"in": "query", "field": "after"}]},
)
"""Refusals of requests that fit the schema, because of what the server holds. Each is for one
parameter that is opaque to the client: a key or cursor is right or wrong only by what was before.
"""


@schemathesis.check
def valid_requests_are_accepted(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> bool | None:
    """`positive_data_acceptance`, but for `NOT_THE_SCHEMAS_TO_SAY`."""
    if response.status_code in (410, 412, 422) and any(
        _holds(response.json(), refusal) for refusal in NOT_THE_SCHEMAS_TO_SAY
    ):
        return None
    return positive_data_acceptance(ctx, response, case)


@schemathesis.check
def deleted_tasks_are_gone(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> bool | None:
    """`use_after_free`, but for the history, which is kept when its task is deleted."""
    if case.path == "/tasks/{task_id}/history":
        return None
    return use_after_free(ctx, response, case)


def _holds(found: object, wanted: object) -> bool:
    """Whether `found` has the members of `wanted`; its arrays, no others."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        return all(_holds(found.get(name), value) for name, value in wanted.items())
    if isinstance(found, list) and isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(_holds, found, wanted))
    return found == wanted
