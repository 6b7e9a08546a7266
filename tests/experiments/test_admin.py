"""The back office of experiments."""

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from tests.experiments.conftest import EXPERIMENTS, Door
from workflows.models import WorkflowTemplate


def test_the_page_of_an_experiment_takes_as_many_queries_for_many_variants_as_for_few(
    api: Door, built_in: None, alice: User, admin: User, client: Client
) -> None:
    client.force_login(admin)
    others = list(WorkflowTemplate.objects.exclude(slug="universal_chat")[:5])

    def queries(count: int) -> int:
        ways = [{"name": one.name, "template": one.slug} for one in others[:count]]
        body = {"name": "Which?", "primary": "tokens", "template": "universal_chat"}
        variants = [{"name": "as it is", "control": True}, *ways]
        made = api(alice).post(EXPERIMENTS, {**body, "variants": variants}).json()
        address = reverse("admin:experiments_experiment_change", args=[made["id"]])
        with CaptureQueriesContext(connection) as asked:
            assert others[count - 1].name in client.get(address).content.decode()
        return len(asked)

    queries(1)  # what is looked up once
    assert queries(1) == queries(5)
