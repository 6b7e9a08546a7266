"""Facts this app tells."""

from django.dispatch import Signal

# scope, error (a ChatterError): a socket tells its client that something is not to be had. Sent in
# the event loop, in the context of who asked.
socket_refused = Signal()
