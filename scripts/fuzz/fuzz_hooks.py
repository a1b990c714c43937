"""What holds for every answer of the API, whatever is asked, and what need not be waited for."""

import json
import os

import schemathesis

# A position far above the head is waited for, and then refused. Once is enough, and the tests of the API do that.
POSITION_MAX = 1000

SECURITY_HEADERS = ("x-content-type-options", "content-security-policy", "x-frame-options", "cache-control")


@schemathesis.hook
def map_query(context, query):
    position = (query or {}).get("min_position")
    if str(position).isdigit() and int(position) > POSITION_MAX:
        query["min_position"] = 0
    return query


@schemathesis.hook
def before_call(context, case, kwargs):
    path, method = case.operation.path, case.operation.method.upper()
    if path.startswith("/v1/api-keys/{") and (case.path_parameters or {}).get("id") == os.environ.get("FUZZ_KEY_ID"):
        # Without its key the rest of the run would be about nothing.
        case.path_parameters["id"] = "0" * 26
    if path == "/v1/settings" and method == "PATCH":
        # What is set holds for the run itself: a limit of one request a second would end it.
        case.query = {**(case.query or {}), "dry_run": "true"}


@schemathesis.check
def every_refusal_is_a_problem(context, response, case):
    headers = {name.lower(): value for name, value in response.headers.items()}
    request_id = headers.get("x-request-id", [""])[0]
    assert request_id, "an answer without a request id"
    for name in SECURITY_HEADERS:
        assert name in headers, f"an answer without {name}"
    if response.status_code < 400 or response.request.method == "HEAD":
        return
    if case.operation.path == "/health/full" and response.status_code == 503:
        # A report that says what has failed.
        raise AssertionError("a part of the service has failed")
    content_type = headers.get("content-type", [""])[0]
    assert content_type == "application/problem+json", f"a refusal of type {content_type}"
    problem = json.loads(response.content)
    assert problem["status"] == response.status_code, "the status of the document is another one"
    assert problem["instance"] == request_id, "the document names another request"
    assert problem["code"] and problem["title"] and problem["detail"], "a problem without words"
    if response.status_code == 503:
        assert problem["code"] == "not_yet", f"unavailable: {problem['detail']}"
        assert "retry-after" in headers, "nobody knows when to come back"
    if response.status_code == 429:
        assert "retry-after" in headers, "nobody knows when to come back"
