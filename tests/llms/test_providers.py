"""Providers that the environment names, and who answers by default."""

from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from audit.models import AuditEntry
from llms.errors import UnknownModel
from llms.models import ModelProfile, Provider
from llms.services.profiles import forget_profiles, kept_profile, resolve_profile
from llms.services.providers import make_default, register_environment_providers
from tests.factories.llms import PriceFactory, ProfileFactory, ProviderFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def environment(settings: Any) -> Any:
    """Set variables, and start the process."""

    def start(**given: dict[str, str]) -> None:
        nothing = {"key": "", "url": ""}
        kinds = ("openai", "anthropic", "ollama")
        settings.CHATTER_PROVIDERS = {kind: {**nothing, **given.get(kind, {})} for kind in kinds}
        register_environment_providers()

    return start


def default_name() -> str:
    return ModelProfile.objects.select_related("provider").get(is_default=True).name


def test_without_any_key_the_demo_answers(environment: Any) -> None:
    environment()
    assert default_name() == "demo:chatter-demo"
    assert list(Provider.objects.values_list("name", flat=True)) == ["demo"]


def test_with_a_key_a_real_model_answers(environment: Any, alice: User) -> None:
    environment()
    environment(openai={"key": "sk-1"})
    assert default_name() == "openai:gpt-5-mini"
    assert resolve_profile("demo:chatter-demo", alice).is_demo


def test_the_first_of_several_providers_answers(environment: Any) -> None:
    environment(anthropic={"key": "k"}, openai={"key": "sk-1"})
    assert default_name() == "openai:gpt-5-mini"


def test_starting_again_changes_nothing(environment: Any) -> None:
    environment(openai={"key": "sk-1"})
    rows = list(ModelProfile.objects.values()), list(Provider.objects.values())
    entries = AuditEntry.objects.count()
    environment(openai={"key": "sk-1"})
    assert (list(ModelProfile.objects.values()), list(Provider.objects.values())) == rows
    assert AuditEntry.objects.count() == entries


def test_a_new_key_is_taken_over_and_audited_but_not_told(environment: Any) -> None:
    environment(openai={"key": "sk-old"})
    environment(openai={"key": "sk-new", "url": "http://127.0.0.1:9/v1"})
    provider = Provider.objects.get(name="openai")
    assert (provider.api_key, provider.base_url) == ("sk-new", "http://127.0.0.1:9/v1")
    entry = AuditEntry.objects.filter(action="llms.provider.changed").latest("id")
    assert entry.detail["changed"] == ["api_key", "base_url"]
    assert entry.detail["values"]["api_key"] == "***"
    assert "sk-new" not in str(entry.detail)


def test_a_key_that_is_gone_takes_its_models_away(environment: Any, alice: User) -> None:
    environment(openai={"key": "sk-1"})
    environment()
    assert default_name() == "demo:chatter-demo"
    with pytest.raises(UnknownModel):
        resolve_profile("openai:gpt-5-mini", alice)


def test_what_administrators_changed_is_left_alone(environment: Any) -> None:
    environment(openai={"key": "sk-1"})
    ModelProfile.objects.get(model="gpt-5-nano").delete()
    chosen = ModelProfile.objects.get(model="gpt-4o")
    make_default(profile=chosen)
    environment(openai={"key": "sk-1"})
    assert not ModelProfile.objects.filter(model="gpt-5-nano").exists()
    assert default_name() == "openai:gpt-4o"


def test_a_providers_name_that_an_administrator_took_is_theirs(environment: Any) -> None:
    ProviderFactory(name="openai", api_key="mine", source="admin")
    environment(openai={"key": "sk-1"})
    assert Provider.objects.get(name="openai").api_key == "mine"


def test_a_model_whose_package_is_missing_is_no_default(environment: Any) -> None:
    environment(ollama={"url": "http://127.0.0.1:11434"})
    assert ModelProfile.objects.filter(provider__name="ollama").exists()
    assert default_name() == "demo:chatter-demo"


def test_keys_are_encrypted_at_rest(environment: Any) -> None:
    environment(openai={"key": "sk-very-secret"})
    with connection.cursor() as cursor:
        cursor.execute("SELECT api_key FROM llms_provider WHERE name = 'openai'")
        (stored,) = cursor.fetchone()
    assert stored
    assert "sk-very-secret" not in stored


def test_a_model_is_found_by_its_name(alice: User) -> None:
    profile = ProfileFactory(model="llama3:8b", parameters={"temperature": 0})
    price = PriceFactory(model="llama3:8b")
    PriceFactory(model="another")
    spec = resolve_profile(profile.name, alice)
    assert (spec.name, spec.model, spec.api_key) == (
        profile.name,
        "llama3:8b",
        profile.provider.api_key,
    )
    assert [rates.id for rates in spec.prices] == [price.pk]
    assert spec.api_key not in repr(spec)


@pytest.mark.parametrize("name", ["", "nowhere:model", "provider", ":", "demo:gpt-5", "a:b:c"])
def test_an_unknown_model_is_refused(alice: User, name: str) -> None:
    with pytest.raises(UnknownModel) as caught:
        resolve_profile(name, alice)
    assert caught.value.code == "unknown_model"


@pytest.mark.parametrize("where", ["profile", "provider"])
def test_a_disabled_model_is_unknown(alice: User, where: str) -> None:
    profile = ProfileFactory()
    target = profile if where == "profile" else profile.provider
    target.enabled = False
    target.save()
    with pytest.raises(UnknownModel):
        resolve_profile(profile.name, alice)


def test_a_model_is_looked_up_once_in_a_while(alice: User, django_assert_num_queries: Any) -> None:
    profile = ProfileFactory()
    with django_assert_num_queries(2):
        first = resolve_profile(profile.name, alice)
    with django_assert_num_queries(0):
        assert resolve_profile(profile.name, alice) is first
    assert kept_profile(profile.name, alice.pk) is first
    forget_profiles()
    assert kept_profile(profile.name, alice.pk) is None
    with django_assert_num_queries(2):
        resolve_profile(profile.name, alice)


def test_who_has_no_account_any_more_uses_no_model(alice: User) -> None:
    alice.is_active = False
    with pytest.raises(UnknownModel):
        resolve_profile(ProfileFactory().name, alice)


def test_there_is_one_default(environment: Any) -> None:
    environment(openai={"key": "sk-1"})
    make_default(profile=ModelProfile.objects.get(model="gpt-4o"))
    assert default_name() == "openai:gpt-4o"
    entry = AuditEntry.objects.filter(action="llms.default_profile.changed").latest("id")
    assert entry.detail == {"model": "openai:gpt-4o", "instead_of": ["openai:gpt-5-mini"]}
