"""OpenAI's chat completions, as other servers take them."""

from typing import Any

from langchain_openai import ChatOpenAI


class CompatibleChatOpenAI(ChatOpenAI):
    """Tells the longest answer by the name that these servers all know.

    Ollama and LM Studio overlook the newer one, which bounds nothing then; Mistral refuses it.
    """

    def _get_request_payload(self, *args: Any, **options: Any) -> dict[str, Any]:
        payload: dict[str, Any] = super()._get_request_payload(*args, **options)
        if "max_completion_tokens" in payload:
            payload["max_tokens"] = payload.pop("max_completion_tokens")
        return payload
