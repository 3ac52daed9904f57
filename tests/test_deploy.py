"""The container files say what the program reads: names, volumes, secrets, variables, health."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from aggregator.environment import ELSEWHERE
from tests.servers.shapes import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ("migrate", "web", "worker", "beat")
SETTINGS = (ROOT / "aggregator" / "settings.py").read_text()
READS = re.compile(r'(?:read\(\s*"\w+",|_secret\(|networks\(|env\.str\()\s*"([A-Z_]+)"')


def variables() -> set[str]:
    """Name every variable that the settings read."""
    return {f"MUARA_{name}" for name in READS.findall(SETTINGS)}


def test_every_variable_is_explained_in_the_example_and_no_other() -> None:
    example = (ROOT / ".env.example").read_text()
    assert set(re.findall(r"^#(MUARA_[A-Z_]+)=", example, re.MULTILINE)) == variables()


def test_no_variable_escapes_the_reader() -> None:
    # Whatever the settings name in a sentence or a comment must be a variable that they read.
    named = set(re.findall(r"MUARA_[A-Z]+(?:_[A-Z]+)*", SETTINGS)) - {"MUARA_KEYS"}
    assert {name.removesuffix("_FILE") for name in named} <= variables()


def test_variables_of_the_tests_are_known_to_be_no_settings() -> None:
    texts = [path.read_text() for path in (ROOT / "tests").rglob("*.py")]
    named = {name for text in texts for name in re.findall(r'environ\S*"MUARA_([A-Z_]+)"', text)}
    assert named - {name.removeprefix("MUARA_") for name in variables()} <= ELSEWHERE


def test_compose_sets_only_variables_that_are_read() -> None:
    for name in OURS:
        asked = {variable.removesuffix("_FILE") for variable in SERVICES[name]["environment"]}
        assert asked <= variables(), name


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_what_a_service_names_exists(name: str) -> None:
    service = SERVICES[name]
    assert set(service.get("depends_on", {})) <= set(SERVICES)
    assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
    volumes = {volume.split(":")[0] for volume in service.get("volumes", [])}
    assert volumes <= set(COMPOSE["volumes"])


@pytest.mark.parametrize("name", OURS)
def test_our_services_read_secrets_from_files_they_are_given(name: str) -> None:
    service = SERVICES[name]
    given = {f"/run/secrets/{secret}" for secret in service["secrets"]}
    asked = {x for x in service["environment"].values() if x.startswith("/run/secrets/")}
    assert asked == given
    assert all(key.endswith("_FILE") for key, x in service["environment"].items() if x in given)


@pytest.mark.parametrize("name", OURS)
def test_our_services_run_with_no_more_rights_than_they_need(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"migrate"}))
def test_every_lasting_service_has_a_health_check(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]


def test_services_wait_for_health_and_for_the_migration() -> None:
    for name in set(OURS) - {"migrate"}:
        conditions = {x: y["condition"] for x, y in SERVICES[name]["depends_on"].items()}
        assert conditions == {
            "postgres": "service_healthy",
            "redis": "service_healthy",
            "migrate": "service_completed_successfully",
        }


def test_only_the_web_is_published_and_only_on_loopback() -> None:
    ports = {name: x["ports"] for name, x in SERVICES.items() if "ports" in x}
    assert ports == {"web": ["127.0.0.1:8000:8000"]}


def test_images_are_pinned() -> None:
    bases = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    for image in [*bases, *(service["image"] for service in SERVICES.values())]:
        assert re.search(r":\d+\.\d+(\.\d+)?(-[a-z-]+)?$", image), image


def test_the_image_runs_as_a_numbered_user_without_build_tools() -> None:
    final = (ROOT / "Dockerfile").read_text().split("\nFROM ")[-1]
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", final, re.MULTILINE)
    assert "apt-get" not in final
    assert "pip" not in final


def test_every_folder_of_the_program_reaches_the_image() -> None:
    let_in = re.findall(r"^!([\w.]+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    packages = {x.parent.name for x in ROOT.glob("*/__init__.py")} - {"tests", "demo", "bench"}
    assert packages | {"manage.py", "static", "templates", "locale"} <= set(let_in)
    assert "var" not in let_in


@pytest.mark.parametrize(
    "command",
    [
        ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"],
        ["hadolint", "Dockerfile"],
    ],
    ids=lambda command: command[0],
)
def test_a_checker_finds_nothing(command: list[str]) -> None:
    program = Path(sys.executable).parent / command[0]
    done = subprocess.run(
        [program, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_secrets_are_made_once_in_the_forms_that_settings_take(tmp_path: Path) -> None:
    script = tmp_path / "deploy" / "make-secrets"
    script.parent.mkdir()
    script.write_text((ROOT / "deploy" / "make-secrets").read_text())
    subprocess.run(["sh", script], check=True, capture_output=True)
    made = tmp_path / "secrets"
    assert made.stat().st_mode & 0o777 == 0o700
    assert {x.name for x in made.iterdir()} == set(COMPOSE["secrets"])
    password = (made / "postgres_password").read_text().strip()
    assert password in (made / "database_url").read_text()
    again = subprocess.run(["sh", script], check=False, capture_output=True, text=True)
    assert again.returncode == 1
    assert "exists already" in again.stderr
