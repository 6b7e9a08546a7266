"""The sockets of conversations."""

from django.urls import path

from conversations.consumers import ConversationConsumer

urlpatterns = [path("ws/conversations/<str:pk>/", ConversationConsumer.as_asgi())]  # type: ignore[arg-type]
