"""Schemathesis reads /openapi.json and asks the real server whatever it allows and forbids."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.schemas import OpenApiSchema

from tests.serving import Site
from tests.test_metadata import QUERIES

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def api(site: Site) -> OpenApiSchema:
    return schemathesis.openapi.from_url(f"{site.url}/openapi.json")


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize(
    "address", [*(f"{name}.json" for name in QUERIES), "universe.csv", "manifest.txt", "manifest.aria2", "gaps.ndjson"]
)
def test_the_server_does_what_openapi_says(api: OpenApiSchema, address: str, mode: GenerationMode) -> None:
    asked = api[f"/availability/{address}"]["GET"].as_strategy(generation_mode=mode)

    @settings(max_examples=8, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(asked)
    def ask(case: Case) -> None:
        query = case.query or {}
        if mode is GenerationMode.POSITIVE and str(query.get("start", "")) > str(query.get("end") or "9999"):
            query.pop("start")  # that a range may not be reversed is nothing a schema can say
        case.call_and_validate()

    ask()
