"""Facts about messages, for the apps above."""

from django.dispatch import Signal

# messages: list of message rows as dicts by attname; sent by whoever writes messages in groups,
# inside the transaction.
messages_recorded = Signal()
