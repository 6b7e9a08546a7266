"""A request to a server of the web."""

import json
import warnings
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self
from uuid import uuid5

from pydantic import Field, JsonValue, field_validator, model_validator

from core.secret_texts import named_in
from tools.http import KEY, LONGEST_S, MOST_BYTES, Method, checked_headers, time_for
from workflows.definition.expressions import Allowance
from workflows.definition.references import MAX_TEMPLATE, bind, render
from workflows.engine.errors import NodeError
from workflows.nodes.base import Inputs, NodeConfig, NodeType, Outputs, Visit

_MOST_HEADERS = 50
_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_FIRST_ERROR = 400
_CONTENT_TYPE, _FORM = "content-type", "application/x-www-form-urlencoded"

with warnings.catch_warnings():
    # A setting named like a method of pydantic's that has long had another name.
    warnings.filterwarnings("ignore", 'Field name "json"', UserWarning)

    class Config(NodeConfig):
        method: Method = "GET"
        url: str = Field(max_length=8_000, description="An address, with references to the run.")
        query: dict[str, str] = Field(
            default={},
            max_length=_MOST_HEADERS,
            description="Added to the address, escaped; one of the same name there is replaced.",
        )
        headers: dict[str, str] = Field(
            default={}, max_length=_MOST_HEADERS, description="Their values may hold references."
        )
        secret_headers: dict[str, str] = Field(
            default={},
            max_length=_MOST_HEADERS,
            description="Texts with secrets in them, such as Bearer {secret:github}; "
            "no references.",
        )
        secret_query: dict[str, str] = Field(
            default={},
            max_length=_MOST_HEADERS,
            description="Likewise, added to the address, escaped.",
        )
        secret_fields: dict[str, str] = Field(
            default={},
            max_length=_MOST_HEADERS,
            description="Likewise, put into the body: of `json`, an object, or of `body`, a form.",
        )
        body: str = Field(
            default="", max_length=MAX_TEMPLATE, description="What is sent, with references."
        )
        json: JsonValue = Field(  # type: ignore[assignment]
            default=None, description="JSON that is sent; its texts may hold references."
        )
        timeout_s: float = Field(default=20, gt=0, le=LONGEST_S)
        max_bytes: int = Field(
            default=MOST_BYTES, ge=1, le=MOST_BYTES, description="A longer answer is an error."
        )
        expect: Literal["text", "json", "auto"] = Field(
            default="auto", description="What the answer is; auto reads JSON where it says so."
        )
        fail_on_status: bool = Field(
            default=True, description="An answer of 400 or above is an error of this node."
        )

        @field_validator("headers", "secret_headers")
        @classmethod
        def _are_headers(cls, headers: dict[str, str]) -> dict[str, str]:
            return checked_headers(headers)

        @field_validator("secret_headers", "secret_query", "secret_fields")
        @classmethod
        def _name_secrets(cls, texts: dict[str, str]) -> dict[str, str]:
            for name, text in texts.items():
                if "{{" in text:
                    raise ValueError("No references here: a run must not choose its secrets.")
                if not named_in(text):
                    raise ValueError(f"'{name}' names no secret, as {{secret:github}} would.")
            return texts

        @model_validator(mode="after")
        def _one_body(self) -> Self:
            if self.body and self.json is not None:
                raise ValueError("Give `body` or `json`, not both.")
            return self

        @model_validator(mode="after")
        def _has_fields(self) -> Self:
            """What secret fields are put into can hold fields."""
            if self.secret_fields and isinstance(self.json, list | int | float):
                raise ValueError("With `secret_fields`, `json` is an object.")
            kinds = [text for name, text in self.headers.items() if name.lower() == _CONTENT_TYPE]
            if self.secret_fields and self.json is None and any(one != _FORM for one in kinds):
                raise ValueError(f"With `secret_fields`, `body` is a form: {_FORM}.")
            return self


class HttpRequestNode(NodeType[Config]):
    """Sends a request and passes on what the server answers.

    `nodes.<id>.status` is its status, `.headers` are some of its headers, `.data` is its JSON.
    Secrets of the one the run belongs to go into `secret_headers`, `secret_query` and
    `secret_fields` alone, and only to the hosts each of them was saved for. A redirect to elsewhere
    loses those of the headers and the address; one that would take along a body with secrets is an
    error.

    A finished request is never sent again. One that a crash cut off is, for nobody knows whether it
    was done: what changes something carries an `Idempotency-Key` that is the same both times. What
    an error handler tries again is a new request, with a key of its own.
    """

    key: ClassVar[str] = "http_request"
    label: ClassVar[str] = "HTTP request"
    can_fail: ClassVar[bool] = True
    tool: ClassVar[str] = KEY
    leaves: ClassVar[tuple[str, ...]] = ("status", "headers", "data")
    config = Config

    async def run(self, config: Config, inputs: Inputs, visit: Visit) -> Outputs:
        answer = await visit.call_tool(
            tool=self.tool,
            arguments=_arguments(config, inputs.names(visit.context), visit),
            timeout_s=time_for(config.timeout_s),
            by_node=True,
        )
        if answer.error:
            raise NodeError(answer.error, answer.message)
        status = answer.data["status"]
        if config.fail_on_status and status >= _FIRST_ERROR:
            raise NodeError("http_status", f"The server answered {status}.")
        values = {"status": status, "headers": answer.data["headers"], "data": answer.data["json"]}
        return Outputs(text=answer.text, values=values)


def _arguments(config: Config, names: Mapping[str, Any], visit: Visit) -> dict[str, Any]:
    """The request as the ledger keeps it: all but the secrets stand in their places."""
    shared = Allowance()
    headers = {name: render(text, names, shared) for name, text in config.headers.items()}
    written = {name.lower() for name in headers}
    body = render(config.body, names, shared)
    if config.json is not None:
        body = json.dumps(bind(config.json, names, allowance=shared), ensure_ascii=False)
    if (config.json is not None or config.secret_fields) and _CONTENT_TYPE not in written:
        headers["Content-Type"] = "application/json" if config.json is not None else _FORM
    if config.method in _CHANGING and "idempotency-key" not in written:
        headers["Idempotency-Key"] = _same_when_resumed(visit)
    return {
        "method": config.method,
        "url": render(config.url, names, shared),
        "query": {name: render(text, names, shared) for name, text in config.query.items()},
        "headers": headers,
        "secret_headers": dict(config.secret_headers),
        "secret_query": dict(config.secret_query),
        "body": body,
        "json_body": config.json is not None,
        "secret_fields": dict(config.secret_fields),
        "timeout_s": config.timeout_s,
        "max_bytes": config.max_bytes,
        "expect": config.expect,
    }


def _same_when_resumed(visit: Visit) -> str:
    return str(uuid5(visit.context.execution_id, f"{visit.name}:{visit.number}"))
