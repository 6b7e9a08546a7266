"""The templates that Chatter comes with: graphs, parameters, words."""

from workflows.built_in.chats import CHATS
from workflows.built_in.documents import BLOG_WRITING_ASSISTANT, MEETING_SUMMARIZER
from workflows.built_in.reviews import DOCUMENT_REVIEWER, WORKFLOW_VALIDATOR

TEMPLATES = (
    *CHATS,
    BLOG_WRITING_ASSISTANT,
    MEETING_SUMMARIZER,
    DOCUMENT_REVIEWER,
    WORKFLOW_VALIDATOR,
)
