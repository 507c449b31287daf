"""What schemathesis can't know of Taskhold from a schema; it loads this by SCHEMATHESIS_HOOKS."""

from typing import Any

import schemathesis
from schemathesis.specs.openapi.checks import positive_data_acceptance, use_after_free

NOT_THE_SCHEMAS_TO_SAY = (
    # A key that an earlier request with another path or body has used.
    {"type": "/problems/idempotency-mismatch"},
    # An If-Match or if_version that names no version of the task: schemathesis sends any.
    {"type": "/problems/version-conflict"},
    # A number of `/changes?after=` that the journal has not reached.
    {"type": "/problems/cursor-gone"},
    # A change of something that was purged since.
    {"type": "/problems/purged"},
    # A text that no `Link` has given out, or one together with `offset`.
    {"errors": [{"in": "query", "field": "after"}]},
    # A text that is no name in the time zone database.
    {"errors": [{"in": "query", "field": "tz"}]},
    # A list or a parent that isn't there, or where the task can't be.
    *({"errors": [{"code": code}]} for code in ("not_found", "cycle", "too_deep", "other_list")),
    # `#5` in a batch whose operation 5 gave no task.
    {"errors": [{"code": "reference"}]},
    # Two tags that differ in case alone.
    {"errors": [{"code": "repeated"}]},
)
"""Refusals of requests that fit the schema, because of what the server holds, or where no schema
has a word for it. Each is for one parameter."""


@schemathesis.check
def valid_requests_are_accepted(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> bool | None:
    """`positive_data_acceptance`, but for `NOT_THE_SCHEMAS_TO_SAY`.

    And for `5.0`, which JSON Schema takes for an integer, and a strict reader does not.
    """
    if response.status_code == 422 and _holds_a_float(case.body):
        return None
    if response.status_code in (410, 412, 422) and any(
        _holds(response.json(), refusal) for refusal in NOT_THE_SCHEMAS_TO_SAY
    ):
        return None
    return positive_data_acceptance(ctx, response, case)


@schemathesis.check
def deleted_tasks_are_gone(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> bool | None:
    """`use_after_free`, but for the history, which is kept when its task is deleted.

    And for what may have come back from the trash since.
    """
    came_back = any(
        earlier.path.endswith(("/restore", "/undo"))
        and (answer := ctx.internals.find_response(case_id=earlier.id)) is not None
        and answer.status_code == 200
        for earlier in ctx.internals.find_all_cases()
    )
    if came_back or case.path == "/tasks/{task_id}/history":
        return None
    return use_after_free(ctx, response, case)


def _holds_a_float(body: object) -> bool:
    if isinstance(body, dict):
        return any(map(_holds_a_float, body.values()))
    if isinstance(body, list):
        return any(map(_holds_a_float, body))
    return isinstance(body, float)


def _holds(found: object, wanted: object) -> bool:
    """Whether `found` has the members of `wanted`; its arrays, no others."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        return all(_holds(found.get(name), value) for name, value in wanted.items())
    if isinstance(found, list) and isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(_holds, found, wanted))
    return found == wanted
