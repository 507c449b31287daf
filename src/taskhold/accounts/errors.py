"""What can go wrong with accounts, logins and tokens.

Problem
├── WrongCredentials    401
├── Forbidden           403
├── InsufficientScope   403
├── WrongSetupCode      403
├── UsernameTaken       409
├── AlreadySetUp        409
├── LastAdmin           409
├── TooManyAttempts     429
└── Overloaded          503
"""

from taskhold.errors import CHALLENGE, Problem


class WrongCredentials(Problem):
    status = 401
    name = "wrong-credentials"
    title = "That is not it"
    meaning = (
        "There is no account with this name and this password, or it is disabled. Which of them "
        "it is, nobody is told."
    )

    def __init__(self, detail: str = "The name or the password is wrong.") -> None:
        super().__init__(detail, CHALLENGE)


class Forbidden(Problem):
    status = 403
    name = "forbidden"
    title = "This is not for you"
    meaning = (
        "Accounts and the audit trail are for administrators. Passwords, sessions and tokens are "
        "for who is logged in with a password: no token reaches them."
    )


class InsufficientScope(Problem):
    status = 403
    name = "insufficient-scope"
    title = "The token may not write"
    meaning = 'A token with the scope "read" only reads. Make one with ["read", "write"].'

    def __init__(self) -> None:
        super().__init__(
            "This token only reads.",
            {"WWW-Authenticate": 'Bearer realm="Taskhold", error="insufficient_scope"'},
        )


class WrongSetupCode(Problem):
    status = 403
    name = "wrong-setup-code"
    title = "That is not the code"
    meaning = (
        "`taskhold serve` prints a code as long as there is no account. With it the first one is "
        "made; `taskhold user add NAME` makes it without."
    )


class UsernameTaken(Problem):
    status = 409
    name = "username-taken"
    title = "There is an account of this name"
    meaning = "Names are the same whatever the case of their letters. Choose another."

    def __init__(self) -> None:
        super().__init__("There is an account of this name already.")


class AlreadySetUp(Problem):
    status = 409
    name = "already-set-up"
    title = "The first account is there"
    meaning = "An account exists, so /setup has nothing left to do. An admin can make others."

    def __init__(self) -> None:
        super().__init__("There is an account already; log in, or ask an admin for one.")


class LastAdmin(Problem):
    status = 409
    name = "last-admin"
    title = "Somebody has to be admin"
    meaning = "The last admin can't be removed, disabled or made an ordinary user."

    def __init__(self) -> None:
        super().__init__("This is the last admin; make another account admin first.")


class TooManyAttempts(Problem):
    status = 429
    name = "too-many-attempts"
    title = "Too many attempts"
    meaning = (
        "Of the last 15 minutes, too many logins to this account or from this address failed. "
        "Nothing is locked: after the seconds in Retry-After the next one is looked at."
    )

    def __init__(self, seconds: int) -> None:
        super().__init__(
            f"Too many attempts; try again in {-(-seconds // 60)} minutes.",
            {"Retry-After": str(seconds)},
        )


class Overloaded(Problem):
    status = 503
    name = "overloaded"
    title = "Too much at once"
    meaning = "More was asked for in one moment than is done in a second. Try again."

    def __init__(self, detail: str) -> None:
        super().__init__(detail, {"Retry-After": "1"})
