"""Addresses of the webhooks API."""

from django.urls import path

from webhooks.api.endpoints import (
    EndpointDetail,
    EndpointList,
    EndpointPing,
    EndpointRotate,
    MessageDetail,
    MessageList,
    MessageResend,
)
from webhooks.api.incoming import DeliveryList, IncomingDetail, IncomingList, IncomingRotate

_INCOMING = "webhooks/incoming/<str:pk>/"
_ENDPOINT = "webhooks/endpoints/<str:pk>/"
_MESSAGE = "webhooks/messages/<str:pk>/"

urlpatterns = [
    path("webhooks/incoming/", IncomingList.as_view(), name="webhook-incoming-list"),
    path(_INCOMING, IncomingDetail.as_view(), name="webhook-incoming-detail"),
    path(_INCOMING + "rotate/", IncomingRotate.as_view(), name="webhook-incoming-rotate"),
    path(_INCOMING + "deliveries/", DeliveryList.as_view(), name="webhook-delivery-list"),
    path("webhooks/endpoints/", EndpointList.as_view(), name="webhook-endpoint-list"),
    path(_ENDPOINT, EndpointDetail.as_view(), name="webhook-endpoint-detail"),
    path(_ENDPOINT + "rotate/", EndpointRotate.as_view(), name="webhook-endpoint-rotate"),
    path(_ENDPOINT + "ping/", EndpointPing.as_view(), name="webhook-endpoint-ping"),
    path(_ENDPOINT + "messages/", MessageList.as_view(), name="webhook-message-list"),
    path(_MESSAGE, MessageDetail.as_view(), name="webhook-message-detail"),
    path(_MESSAGE + "resend/", MessageResend.as_view(), name="webhook-message-resend"),
]
