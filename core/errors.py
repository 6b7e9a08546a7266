"""Errors a user may see: each situation is a class with a stable code."""

from typing import Any


class ChatterError(Exception):
    """A situation with a stable `code`; `message` may name fields of `detail` in braces.

    `detail` is JSON-ready and shown to the caller, so it holds no secret and no foreign object.
    """

    code = "error"
    status = 500
    message = "Something went wrong."

    def __init__(self, **detail: Any) -> None:
        self.detail = detail
        super().__init__(self.message.format(**detail))

    @property
    def in_one_line(self) -> str:
        """The message with the first of its errors, for who is not shown the detail."""
        errors = [e for e in self.detail.get("errors", ()) if e.get("severity", "error") == "error"]
        return f"{self} {errors[0]['path']}: {errors[0]['message']}" if errors else str(self)


class Invalid(ChatterError):
    """The request cannot be understood; `errors` lists `{path, code, message}`."""

    code = "invalid"
    status = 400
    message = "The request is not valid."


class BadNumber(Invalid):
    code = "bad_number"
    message = "'{name}' is not the number of an event."


class NotAuthenticated(ChatterError):
    code = "not_authenticated"
    status = 401
    message = "Sign in, or send a valid token."


class Refused(ChatterError):
    code = "refused"
    status = 403
    message = "This is not allowed."


class NotFound(ChatterError):
    """Unknown and foreign objects look the same."""

    code = "not_found"
    status = 404
    message = "There is no such thing, or it is not yours."


class Conflict(ChatterError):
    code = "conflict"
    status = 409
    message = "The state of things does not allow this."


class ChangedMeanwhile(Conflict):
    """Somebody else was faster; nothing was written."""

    code = "changed_meanwhile"
    message = "Something of this was changed or deleted at the same moment; look again."


class TooMany(ChatterError):
    """`retry_after_s` in the detail becomes the `Retry-After` header."""

    code = "too_many_requests"
    status = 429
    message = "Too many requests. Try again in {retry_after_s} s."


class DatabaseAway(ChatterError):
    """It cannot be reached, or can write nothing: its disk may be full. What was asked may be asked
    again; with an `Idempotency-Key` also where the answer was lost after the commit.
    """

    code = "database_away"
    status = 503
    message = "The database cannot be used just now. Try again in {retry_after_s} s."


def problem(error: ChatterError, request_id: str = "") -> dict[str, Any]:
    """The one error body (RFC 9457 members plus `code`), over HTTP and sockets alike."""
    return {
        "type": f"urn:chatter:error:{error.code}",
        "title": error.code.replace("_", " ").capitalize(),
        "status": error.status,
        "code": error.code,
        "message": str(error),
        "detail": error.detail,
        "request_id": request_id,
    }
