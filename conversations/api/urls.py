"""Addresses of the conversations API."""

from django.urls import path

from conversations.api.chat import Chat
from conversations.api.conversations import ConversationDetail, ConversationList
from conversations.api.events import ConversationEvents
from conversations.api.messages import ConversationMessages, MessageDetail
from conversations.api.retry import ExecutionRetry

urlpatterns = [
    path("chat/", Chat.as_view(), name="chat-api"),
    path("conversations/", ConversationList.as_view(), name="conversation-list"),
    path("conversations/<str:pk>/", ConversationDetail.as_view(), name="conversation-detail"),
    path(
        "conversations/<str:pk>/events/",
        ConversationEvents.as_view(),
        name="conversation-events",
    ),
    path(
        "conversations/<str:pk>/messages/",
        ConversationMessages.as_view(),
        name="conversation-messages",
    ),
    path(
        "conversations/<str:pk>/messages/<str:message>/",
        MessageDetail.as_view(),
        name="message-detail",
    ),
    path("executions/<str:pk>/retry/", ExecutionRetry.as_view(), name="execution-retry"),
]
