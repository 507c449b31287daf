"""Tokens over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path

from taskhold.accounts.access import DoerDep, SignedIn, User
from taskhold.http.answers import Answer, json_answer
from taskhold.http.openapi import answers, problems
from taskhold.http.route import Route
from taskhold.http.store import StoreDep
from taskhold.store import Row
from taskhold.tokens import operations
from taskhold.tokens.models import NewToken, TokenCreate, TokenPublic

router = APIRouter(route_class=Route, tags=["tokens"])

TokenId = Annotated[int, Path(ge=1, le=2**63 - 1, description="The token's id.", examples=[1])]


@router.post(
    "/tokens",
    status_code=201,
    response_model=NewToken,
    response_description="The token; it is told this once.",
    responses=answers(201, "Location") | problems(400, 403, 413, 415, 507),
)
async def create_token(token: TokenCreate, user: SignedIn, by: DoerDep, store: StoreDep) -> Answer:
    """Make a token for a program."""
    added = await store.write(
        user.id,
        operations.add,
        by,
        _account(user),
        name=token.name,
        writes="write" in token.scopes,
        expires_at=token.expires_at,
    )
    answer = json_answer(added, 201)
    answer.headers += [
        (b"location", f"/tokens/{added['id']}".encode()),
        (b"cache-control", b"no-store"),
    ]
    return answer


@router.get(
    "/tokens",
    response_model=list[TokenPublic],
    response_description="One's tokens, in the order in which they were made.",
    responses=problems(403),
)
async def list_tokens(user: SignedIn, store: StoreDep) -> Answer:
    """List one's tokens."""
    return json_answer(await store.read(operations.list_own, user.id))


@router.get(
    "/tokens/{token_id}",
    response_model=TokenPublic,
    response_description="The token.",
    responses=problems(403, 404),
)
async def get_token(token_id: TokenId, user: SignedIn, store: StoreDep) -> Answer:
    """Read what is known of one of one's tokens."""
    return json_answer(await store.read(operations.get, user.id, token_id))


@router.delete(
    "/tokens/{token_id}",
    status_code=204,
    response_model=None,
    response_description="Nobody gets in with it from now on.",
    responses=problems(403, 404, 507),
)
async def revoke_token(token_id: TokenId, user: SignedIn, by: DoerDep, store: StoreDep) -> Answer:
    """Revoke a token."""
    await store.write(user.id, operations.revoke, by, _account(user), token_id)
    return Answer(204)


def _account(user: User) -> Row:
    return {"id": user.id, "username": user.name}
