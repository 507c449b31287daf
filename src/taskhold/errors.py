"""What can go wrong, once.

    Problem                     an answer that is not 2xx, as RFC 9457 describes it
    ├── NotFound            404  (plain: no type)
    ├── NothingHere         404  (plain)
    ├── MethodNotAllowed    405  (plain)
    ├── InvalidJSON         400
    ├── InvalidKey          400
    ├── Unauthenticated     401
    ├── CrossSite           403
    ├── UndoConflict        409
    ├── CursorGone          410
    ├── Purged              410
    ├── VersionConflict     412
    ├── BodyTooLarge        413
    ├── UnsupportedMediaType 415
    ├── Validation          422
    ├── KeyMismatch         422
    ├── InternalError       500
    ├── Unavailable         503
    │   └── OutcomeUnknown  503
    ├── StorageFull         507
    └── those of accounts, in `accounts.errors`

    StartupError                 why `serve` did not start: one sentence and an exit code

A problem is raised as what happened and rendered in one place, `http.answers`.
"""

from typing import Any, ClassVar, NamedTuple


class Problem(Exception):
    """Something the caller is told: a status, a `type`, and a sentence to act on."""

    status: ClassVar[int]
    name: ClassVar[str | None] = None
    """The last part of `type`; None for the plain ones."""
    title: ClassVar[str] = ""
    meaning: ClassVar[str] = ""
    """What `/problems/{name}` says."""

    operation: int | None = None
    """In a batch: which of its operations it was."""

    def __init__(self, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = headers or {}

    def document(self) -> dict[str, Any]:
        """The members of the answer, RFC 9457 section 3."""
        document: dict[str, Any] = {"detail": self.detail}
        if self.name is not None:
            document = {
                "type": f"/problems/{self.name}",
                "title": self.title,
                "status": self.status,
                "detail": self.detail,
            }
        if self.operation is not None:
            document["operation"] = self.operation
        return document


class NotFound(Problem):
    status = 404

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} not found")


class NothingHere(Problem):
    status = 404

    def __init__(self) -> None:
        super().__init__("There is nothing at this path; /docs lists what there is.")


class MethodNotAllowed(Problem):
    status = 405

    def __init__(self, allow: str) -> None:
        super().__init__(f"Only {allow} can be used here", {"Allow": allow})


class InvalidJSON(Problem):
    status = 400
    name = "invalid-json"
    title = "The body is not JSON"
    meaning = (
        "The body could not be read as JSON (RFC 8259) in UTF-8. A name that stands twice in "
        "one object, NaN and Infinity are refused as well. Nothing was written."
    )


class InvalidKey(Problem):
    status = 400
    name = "invalid-idempotency-key"
    title = "The Idempotency-Key can't be used"
    meaning = (
        "An Idempotency-Key is 1 to 255 visible ASCII characters, sent once. A random UUID for "
        "each thing that you want done is a good one. Nothing was written."
    )


CHALLENGE = {"WWW-Authenticate": 'Bearer realm="Taskhold"'}


class Unauthenticated(Problem):
    status = 401
    name = "unauthenticated"
    title = "Who are you?"
    meaning = (
        "Log in with POST /login, or send a token as `Authorization: Bearer thk_…`. Before there "
        "is an account, only programs on the server's own machine are answered without: a "
        "loopback address, a loopback Host header, and no proxy between."
    )

    def __init__(self, detail: str) -> None:
        super().__init__(detail, CHALLENGE)


ACCOUNT_REMOVED = "This account has been removed meanwhile; nothing was saved."
"""What a broken foreign key means: operations look up everything else that they refer to."""


class CrossSite(Problem):
    status = 403
    name = "cross-site"
    title = "Another site sent this"
    meaning = (
        "A page of another site made the browser send a write. Writes are taken from the "
        "server's own pages and from programs that send neither Origin nor Sec-Fetch-Site."
    )


class CursorGone(Problem):
    status = 410
    name = "cursor-gone"
    title = "Start over"
    meaning = (
        "The changes after this cursor can't be told: it is older than the journal is kept, or "
        "of another database. Ask /changes without a cursor, read everything, then follow."
    )


class Purged(Problem):
    status = 410
    name = "purged"
    title = "It is gone for good"
    meaning = (
        "What this is about was purged: from the trash, by age, or from the journal. It can't be "
        "brought back. Nothing was written."
    )


class UndoConflict(Problem):
    status = 409
    name = "undo-conflict"
    title = "It has changed since"
    meaning = (
        "A later change has touched the same fields, so undoing this one would lose it. "
        "`conflict` is that change: undo it first, or edit the object. Nothing was written."
    )

    def __init__(self, conflict: dict[str, Any]) -> None:
        super().__init__("A later change has touched the same; undo that one first.")
        self.conflict = conflict

    def document(self) -> dict[str, Any]:
        return super().document() | {"conflict": self.conflict}


class VersionConflict(Problem):
    status = 412
    name = "version-conflict"
    title = "It has changed since you read it"
    meaning = (
        "If-Match did not name the present version. `current` is the present state: apply your "
        "change to it and send it again with its ETag. Nothing was written."
    )

    def __init__(self, current: dict[str, Any]) -> None:
        super().__init__("This has changed since the version that the request names.")
        self.current = current

    def document(self) -> dict[str, Any]:
        return super().document() | {"current": self.current}


class BodyTooLarge(Problem):
    status = 413
    name = "body-too-large"
    title = "The body is too large"
    meaning = "A body may hold 1 MiB. It was refused before it was read; nothing was written."


class UnsupportedMediaType(Problem):
    status = 415
    name = "unsupported-media-type"
    title = "The body has to be JSON"
    meaning = (
        "Send `Content-Type: application/json` (a PATCH may also be "
        "`application/merge-patch+json`). Nothing was written."
    )


class FieldError(NamedTuple):
    """One entry of a validation problem's `errors`."""

    place: str
    """`body`, `query`, `path` or `header`."""
    field: str
    message: str
    code: str

    def document(self) -> dict[str, str]:
        return {
            "in": self.place,
            "field": self.field,
            "message": self.message,
            "code": self.code,
        }


class Validation(Problem):
    status = 422
    name = "validation"
    title = "The request can't be meant"
    meaning = (
        "Each entry of `errors` names where (`in`), which field, and why. Fields and parameters "
        "that are not known are refused too, so that a misspelt one can't pass unseen. "
        "Nothing was written."
    )

    def __init__(self, errors: list[FieldError]) -> None:
        first = errors[0]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"{first.field or first.place}: {first.message}{more}")
        self.errors = errors

    def document(self) -> dict[str, Any]:
        return super().document() | {"errors": [error.document() for error in self.errors]}


class KeyMismatch(Problem):
    status = 422
    name = "idempotency-mismatch"
    title = "This key was used for something else"
    meaning = (
        "An Idempotency-Key belongs to one method, path and body for 24 hours. Send the same "
        "request to hear its answer again, or take a new key. Nothing was written."
    )


class InternalError(Problem):
    status = 500
    name = "internal-error"
    title = "Taskhold made a mistake"
    meaning = "This should not happen. The server's log has the cause under the X-Request-ID."


class Unavailable(Problem):
    status = 503
    name = "unavailable"
    title = "The database can't be written right now"
    meaning = (
        "The database was locked, away or failing for longer than a request waits. Try again "
        "after the seconds in Retry-After, with the same Idempotency-Key if you sent one."
    )

    def __init__(self, detail: str) -> None:
        super().__init__(detail, {"Retry-After": "2"})


class OutcomeUnknown(Unavailable):
    name = "outcome-unknown"
    title = "Whether it was saved is not known"
    meaning = (
        "The database failed while the change was being committed. Send the same request again "
        "with its Idempotency-Key: it is done once. Without a key, look whether it was done."
    )


class StorageFull(Problem):
    status = 507
    name = "storage-full"
    title = "The disk is full"
    meaning = "There is no room to keep the change, so nothing was written. Reads go on."

    def __init__(self) -> None:
        super().__init__(
            "The disk that holds the database is full; nothing was saved.", {"Retry-After": "30"}
        )


class StartupError(Exception):
    """Why the server can't start: one sentence for a person, and the exit code of the process."""

    def __init__(self, sentence: str, exit_code: int = 1) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


def kinds_of_problem(base: type[Problem] = Problem) -> list[type[Problem]]:
    """Every kind of problem that has a name, in the order of their statuses."""
    kinds = [kind for child in base.__subclasses__() for kind in (child, *kinds_of_problem(child))]
    return sorted((kind for kind in kinds if kind.name), key=lambda kind: kind.status)
