"""The settings of Chatter, with a queue that delivers everything twice."""

from chatter_project.settings import *  # noqa: F403
from chatter_project.settings import Q_CLUSTER as _QUEUE

Q_CLUSTER = {**_QUEUE, "broker_class": "drills.twice.Twice"}
