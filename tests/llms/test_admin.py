"""Providers, models, prices and the ledger in the back office."""

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from audit.models import AuditEntry
from llms.models import ModelCall, ModelPrice, ModelProfile, Provider
from llms.services.providers import make_default
from tests.factories.accounts import UserFactory
from tests.factories.llms import CallFactory, PriceFactory, ProfileFactory, ProviderFactory
from tests.office import Office

pytestmark = pytest.mark.django_db

KEY = "sk-typed-into-a-form"


@pytest.fixture
def office(admin: User) -> Client:
    client = Office()
    client.force_login(admin)
    return client


def provider_form(**fields: Any) -> dict[str, Any]:
    return {
        "name": "acme",
        "kind": "openai",
        "base_url": "",
        "enabled": "on",
        "new_key": "",
        **fields,
    }


def test_a_key_can_be_set_and_is_never_shown(office: Client) -> None:
    assert office.post("/admin/llms/provider/add/", provider_form(new_key=KEY)).status_code == 302
    provider = Provider.objects.get(name="acme")
    assert (provider.api_key, provider.source) == (KEY, "admin")
    for page in ("/admin/llms/provider/", f"/admin/llms/provider/{provider.pk}/change/"):
        assert KEY not in office.get(page).content.decode()
    entry = AuditEntry.objects.get(action="llms.provider.created")
    assert KEY not in str(entry.detail)
    assert "new_key" in entry.detail["fields"]


def test_no_change_of_a_model_goes_past_the_trail(office: Client) -> None:
    """Whatever is sent as what the page had shown."""
    profile = ProfileFactory(parameters={"temperature": 0})
    page = f"/admin/llms/modelprofile/{profile.pk}/change/"
    form = office.get(page).context["adminform"].form
    sent = {name: form[name].value() for name in form.fields if form[name].value() is not None}
    parameters = '{"temperature": 1}'
    sent |= {"parameters": parameters, "initial-parameters": parameters}
    sent |= {"initial-capabilities": sent["capabilities"]}
    assert office.post(page, sent).status_code == 302
    profile.refresh_from_db()
    assert profile.parameters == {"temperature": 1}
    entry = AuditEntry.objects.get(action="llms.modelprofile.changed")
    assert entry.detail["fields"] == ["parameters"]


def test_who_may_only_look_at_providers_sees_their_hosts_and_no_key_in_an_address() -> None:
    clerk = UserFactory(is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_provider"))
    office = Office()
    office.force_login(clerk)
    url = "https://me:swordfish-1@llm.corp:8443/swordfish-2/v1?key=swordfish-3"
    provider = ProviderFactory(name="acme", kind="openai", base_url=url)
    for page in ("/admin/llms/provider/", f"/admin/llms/provider/{provider.pk}/change/"):
        shown = office.get(page)
        assert shown.status_code == 200
        assert "acme" in shown.text
        assert "swordfish" not in shown.text
    assert ">https://llm.corp:8443<" in office.get("/admin/llms/provider/").text
    guessed = "/admin/llms/provider/?base_url__contains=swordfish"
    assert office.get(guessed).status_code == 400
    assert "acme" not in office.get("/admin/llms/provider/?q=swordfish").text
    clerk.user_permissions.add(Permission.objects.get(codename="change_provider"))
    assert "swordfish-3" in office.get(f"/admin/llms/provider/{provider.pk}/change/").text


def test_an_empty_key_keeps_the_one_there_is(office: Client) -> None:
    provider = ProviderFactory(name="acme", kind="openai", base_url="", api_key=KEY)
    page = f"/admin/llms/provider/{provider.pk}/change/"
    office.post(page, provider_form(name="acme-2"))
    provider.refresh_from_db()
    assert (provider.api_key, provider.name) == (KEY, "acme-2")
    office.post(page, provider_form(remove_key="on"))
    provider.refresh_from_db()
    assert provider.api_key == ""


@pytest.mark.parametrize("moved", [{"base_url": "https://example.com/v1"}, {"kind": "anthropic"}])
def test_a_key_goes_to_another_address_only_by_who_knows_it(
    office: Client, moved: dict[str, str]
) -> None:
    provider = ProviderFactory(name="acme", kind="openai", base_url="", api_key=KEY)
    page = f"/admin/llms/provider/{provider.pk}/change/"
    assert "Give the key again" in office.post(page, provider_form(**moved)).content.decode()
    provider.refresh_from_db()
    assert office.post(page, provider_form(**moved, new_key="sk-\0")).status_code == 200
    provider.refresh_from_db()
    assert (provider.kind, provider.base_url, provider.api_key) == ("openai", "", KEY)
    assert office.post(page, provider_form(**moved, new_key="sk-another")).status_code == 302
    provider.refresh_from_db()
    assert provider.api_key == "sk-another"


def test_a_model_that_is_added_is_priced_and_replaces_the_demo(
    office: Client, built_in: None
) -> None:
    provider = ProviderFactory(name="acme", kind="openai")
    form = {
        "provider": provider.pk,
        "model": "gpt-4o-mini-2024-07-18",
        "parameters": "{}",
        "capabilities": '["text"]',
        "enabled": "on",
    }
    response = office.post("/admin/llms/modelprofile/add/", form)
    assert response.status_code == 302, re.findall("errorlist.*", response.content.decode())
    assert ModelProfile.objects.get(is_default=True).model == "gpt-4o-mini-2024-07-18"
    assert ModelPrice.objects.filter(model="gpt-4o-mini-2024-07-18").exists()
    assert AuditEntry.objects.filter(action="llms.modelprofile.created").exists()


ELSEWHERE = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("openai", {"openai_proxy": ELSEWHERE}),
        ("anthropic", {"anthropic_api_url": ELSEWHERE}),
        ("azure_openai", {"azure_endpoint": ELSEWHERE}),
        ("groq", {"groq_api_base": ELSEWHERE}),
        ("mistralai", {"endpoint": ELSEWHERE}),
        ("google_genai", {"client_args": {"proxy": ELSEWHERE}}),
        ("bedrock", {"endpoint_url": ELSEWHERE}),
        ("ollama", {"client_kwargs": {"base_url": ELSEWHERE}}),
        ("litellm", {"model_kwargs": {"api_base": ELSEWHERE}}),
        ("openai", {"api_key": "another"}),
        ("openai", {"configurable_fields": "any"}),
        ("openai", [["temperature", 0]]),
    ],
)
def test_who_may_only_change_models_cannot_say_where_a_key_is_sent(
    kind: str, parameters: Any
) -> None:
    staff = UserFactory(is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="change_modelprofile"))
    office = Office()
    office.force_login(staff)
    profile = ProfileFactory(provider__kind=kind, provider__base_url="", provider__api_key=KEY)
    page = f"/admin/llms/modelprofile/{profile.pk}/change/"
    given = {"model": "m", "provider": profile.provider.pk, "capabilities": "[]"}
    refused = office.post(page, {**given, "parameters": json.dumps(parameters)})
    assert refused.status_code == 200
    assert "errorlist" in refused.content.decode()
    profile.refresh_from_db()
    assert profile.parameters == {}
    fine = {"temperature": 0, "extra_body": {"cache_prompt": True}}
    assert office.post(page, {**given, "parameters": json.dumps(fine)}).status_code == 302


@pytest.mark.parametrize(
    "wrong",
    [
        *({"capabilities": given} for given in ("5", '{"text": 1}', '["flying"]', "[[]]", "")),
        *({"parameters": given} for given in ("5", "")),
        *(
            {"parameters": f'{{"max_tokens": {given}}}'}
            for given in ('"4000"', "4000.5", "true", "[4000]")
        ),
        {"parameters": '{"thinking": {"type": "enabled", "budget_tokens": "2000"}}'},
        *({"parameters": f'{{"{name}": 3}}'} for name in ("n", "candidate_count")),
        *(
            {"parameters": f'{{"extra_body": {{"{name}": 3}}}}'}
            for name in ("max_tokens", "n", "best_of")
        ),
    ],
)
def test_a_model_is_not_kept_in_a_way_that_nothing_can_ask_it(
    office: Client, wrong: dict[str, str]
) -> None:
    profile = ProfileFactory()
    page = f"/admin/llms/modelprofile/{profile.pk}/change/"
    given = {
        "model": "m",
        "provider": profile.provider.pk,
        "capabilities": "[]",
        "parameters": "{}",
    }
    assert office.post(page, given | wrong).status_code == 200
    assert office.post(page, given).status_code == 302


def test_when_the_default_is_deleted_another_model_answers(office: Client, built_in: None) -> None:
    profile = ProfileFactory(is_default=False)
    make_default(profile=profile)
    office.post(f"/admin/llms/provider/{profile.provider.pk}/delete/", {"post": "yes"})
    assert not Provider.objects.filter(pk=profile.provider.pk).exists()
    assert ModelProfile.objects.get(is_default=True).model == "chatter-demo"


def test_an_administrator_chooses_who_answers_by_default(office: Client, admin: User) -> None:
    ProfileFactory(is_default=True)
    chosen = ProfileFactory()
    form = {"action": "answer_by_default", "_selected_action": [chosen.pk]}
    told = office.post("/admin/llms/modelprofile/", form, follow=True)
    assert [str(one) for one in told.context["messages"]] == [f"{chosen} answers by default."]
    assert ModelProfile.objects.get(is_default=True) == chosen
    assert AuditEntry.objects.get(action="llms.default_profile.changed").actor_id == admin.pk


@pytest.mark.parametrize("off", ["profile", "provider"])
def test_a_model_that_cannot_answer_does_not_answer_by_default(office: Client, off: str) -> None:
    standing, chosen = ProfileFactory(is_default=True), ProfileFactory()
    switched_off = chosen if off == "profile" else chosen.provider
    switched_off.enabled = False
    switched_off.save()
    form = {"action": "answer_by_default", "_selected_action": [chosen.pk]}
    told = office.post("/admin/llms/modelprofile/", form, follow=True)
    assert "switched off" in " ".join(map(str, told.context["messages"]))
    assert ModelProfile.objects.get(is_default=True) == standing
    assert not AuditEntry.objects.filter(action="llms.default_profile.changed").exists()


def test_a_price_is_added_in_dollars_and_never_changed(office: Client) -> None:
    form = {
        "provider_kind": "openai",
        "model": "m",
        "effective_from_0": "2026-11-01",
        "effective_from_1": "00:00",
        "above_input_tokens": "0",
        "input": "0.25",
        "output": "2",
    }
    response = office.post("/admin/llms/modelprice/add/", form)
    assert response.status_code == 302, re.findall("errorlist.*", response.content.decode())
    price = ModelPrice.objects.get(model="m")
    assert price.input_nano_usd_per_mtok == 250_000_000
    assert price.output_nano_usd_per_mtok == 2_000_000_000
    assert price.cache_read_nano_usd_per_mtok is None
    assert price.source == "admin"
    assert AuditEntry.objects.filter(action="llms.modelprice.created").exists()
    page = office.get(f"/admin/llms/modelprice/{price.pk}/change/").content.decode()
    assert "0.25" in page
    assert 'name="_save"' not in page
    assert office.post(f"/admin/llms/modelprice/{price.pk}/change/", form).status_code == 403
    assert office.post(f"/admin/llms/modelprice/{price.pk}/delete/").status_code == 403


def price_form(price: ModelPrice, *, since: str, above: str) -> dict[str, str]:
    """Of the same model from another day on; without its rates."""
    return {
        "provider_kind": price.provider_kind,
        "model": price.model,
        "effective_from_0": since,
        "effective_from_1": "00:00",
        "above_input_tokens": above,
    }


def test_the_same_price_twice_is_refused_with_a_message(office: Client) -> None:
    form = price_form(PriceFactory(model="m"), since="2020-01-01", above="0")
    response = office.post("/admin/llms/modelprice/add/", form)
    assert response.status_code == 200
    assert "already exists" in response.content.decode()


def test_a_price_for_long_prompts_alone_is_refused(office: Client) -> None:
    """The newest date is in force: prompts that are shorter would have no price any more."""
    form = price_form(PriceFactory(model="m"), since="2026-11-01", above="200000")
    form |= {"input": "0.5", "output": "4"}
    add = "/admin/llms/modelprice/add/"
    assert "Add the price above 0 tokens first" in office.post(add, form).text
    assert ModelPrice.objects.filter(model="m").count() == 1
    assert office.post(add, {**form, "above_input_tokens": "0"}).status_code == 302
    assert office.post(add, form).status_code == 302
    assert ModelPrice.objects.filter(model="m").count() == 3


def test_the_ledger_is_read_only_and_leads_to_the_execution(office: Client) -> None:
    call = CallFactory()
    execution = call.origin.removeprefix("execution:")
    page = office.get("/admin/llms/modelcall/").content.decode()
    assert f'href="/executions/{execution}/"' in page
    assert office.get(f"/admin/llms/modelcall/{call.pk}/change/").status_code == 200
    assert office.get("/admin/llms/modelcall/add/").status_code == 403
    assert office.post(f"/admin/llms/modelcall/{call.pk}/change/", {}).status_code == 403
    assert office.post(f"/admin/llms/modelcall/{call.pk}/delete/").status_code == 403
    assert ModelCall.objects.count() == 1


def test_the_ledger_is_searched_by_execution_and_request(office: Client) -> None:
    call = CallFactory(request_id="r-77")
    CallFactory()
    for text in (call.origin, "r-77", str(call.pk)):
        page = office.get("/admin/llms/modelcall/", {"q": text}).content.decode()
        assert "1 model call" in page, text


@pytest.mark.parametrize("model", ["provider", "modelprofile", "modelprice", "modelcall"])
def test_a_page_of_the_office_costs_as_many_queries_for_20_rows_as_for_1(
    office: Client, model: str, django_assert_max_num_queries: Any
) -> None:
    CallFactory.create_batch(20)
    ProfileFactory.create_batch(20)
    PriceFactory.create_batch(20)
    with django_assert_max_num_queries(12):
        assert office.get(f"/admin/llms/{model}/").status_code == 200
