"""The sockets of workflows."""

from django.urls import path

from workflows.consumers import ExecutionConsumer

urlpatterns = [path("ws/executions/<str:pk>/", ExecutionConsumer.as_asgi())]  # type: ignore[arg-type]
