"""OpenTelemetry's names for what models do.

They are still moving, and stand in a private place of the package: it is known only here.
"""

from opentelemetry.semconv._incubating.attributes import gen_ai_attributes as names
from opentelemetry.semconv.attributes import error_attributes

CHAT = names.GenAiOperationNameValues.CHAT.value
EXECUTE_TOOL = names.GenAiOperationNameValues.EXECUTE_TOOL.value
INVOKE_WORKFLOW = names.GenAiOperationNameValues.INVOKE_WORKFLOW.value

ERROR_TYPE = error_attributes.ERROR_TYPE
OPERATION = names.GEN_AI_OPERATION_NAME
WORKFLOW = names.GEN_AI_WORKFLOW_NAME
CONVERSATION = names.GEN_AI_CONVERSATION_ID
PROVIDER = names.GEN_AI_PROVIDER_NAME
REQUEST_MODEL = names.GEN_AI_REQUEST_MODEL
STREAM = names.GEN_AI_REQUEST_STREAM  # true, or left out
RESPONSE_MODEL = names.GEN_AI_RESPONSE_MODEL
FINISH_REASONS = names.GEN_AI_RESPONSE_FINISH_REASONS
FIRST_CHUNK_S = names.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK
INPUT_TOKENS = names.GEN_AI_USAGE_INPUT_TOKENS  # cached ones included
CACHE_READ_TOKENS = names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS
CACHE_WRITE_TOKENS = names.GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS
OUTPUT_TOKENS = names.GEN_AI_USAGE_OUTPUT_TOKENS  # those of reasoning included
REASONING_TOKENS = names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS
TOOL = names.GEN_AI_TOOL_NAME
INPUT_MESSAGES = names.GEN_AI_INPUT_MESSAGES
OUTPUT_MESSAGES = names.GEN_AI_OUTPUT_MESSAGES
TOOL_ARGUMENTS = names.GEN_AI_TOOL_CALL_ARGUMENTS
TOOL_RESULT = names.GEN_AI_TOOL_CALL_RESULT

PARAMETERS = {
    "temperature": names.GEN_AI_REQUEST_TEMPERATURE,
    "top_p": names.GEN_AI_REQUEST_TOP_P,
    "max_tokens": names.GEN_AI_REQUEST_MAX_TOKENS,
}
_PROVIDERS = {
    "azure_openai": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "bedrock_converse": "aws.bedrock",
    "google_genai": "gcp.gemini",
    "google_vertexai": "gcp.vertex_ai",
    "mistralai": "mistral_ai",
    "xai": "x_ai",
}


def provider_name(kind: str) -> str:
    """A kind of provider of ours, as the conventions call it."""
    return _PROVIDERS.get(kind, kind)
