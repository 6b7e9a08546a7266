"""The signals of this app."""

from django.dispatch import Signal

# method, route (the pattern of the address, "" where none fits), status, took_s: a request was
# answered, or its client left. Sent where the request is handled, in its event loop or thread.
request_answered = Signal()
