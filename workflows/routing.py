"""The sockets of workflows."""

from django.urls import path

from workflows.consumers import ExecutionConsumer
from workflows.watching.live import LiveSocket

urlpatterns = [
    path("ws/v1/", LiveSocket.as_asgi()),  # type: ignore[arg-type]
    path("ws/executions/<str:pk>/", ExecutionConsumer.as_asgi()),  # type: ignore[arg-type]
]
