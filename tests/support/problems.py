"""What every refusal looks like, whatever it refuses."""

import httpx2


def check_problem(answer: httpx2.Response) -> None:
    """It is `application/problem+json`, and a plain 404 or 405 is only its `detail`."""
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert isinstance(problem["detail"], str)
    assert problem["detail"]
    if answer.status_code in (404, 405):
        assert problem.keys() - {"operation"} == {"detail"}
    else:
        assert problem["status"] == answer.status_code
        assert problem["type"].startswith("/problems/")
        assert problem["title"]
