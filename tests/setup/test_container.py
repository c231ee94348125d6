"""The image and its compose file, read as Docker does: the page is reached, and it starts again after a reboot."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from typer.main import get_command

from monitor.cli import app
from monitor.service.roles import in_order, read_roles
from monitor.store.workers import ROLES
from tests.house.reading import ROOT
from tests.setup.dockerfile import instructions


@pytest.fixture(scope="module")
def image() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile in order, lines joined."""
    return instructions(ROOT / "deploy/Dockerfile")


@pytest.fixture(scope="module")
def composed() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text("utf-8"))
    return found


def last(image: list[tuple[str, str]], word: str) -> str:
    return [rest for each, rest in image if each == word][-1]


def test_what_the_container_runs_is_a_command_of_ours(image: list[tuple[str, str]]) -> None:
    words = [*json.loads(last(image, "ENTRYPOINT")), *json.loads(last(image, "CMD"))]
    assert words == ["earful", "--settings", "/data/settings.toml", "run", "--listen", "0.0.0.0:8321"]
    run = get_command(app).commands["run"]  # type: ignore[attr-defined]
    assert run.make_context("run", words[4:]).params["listen"] == "0.0.0.0:8321"


def test_the_page_listens_where_it_is_published_and_is_published_on_this_machine_only(
    image: list[tuple[str, str]], composed: dict[str, Any]
) -> None:
    listens = json.loads(last(image, "CMD"))[-1].rpartition(":")
    (published,) = composed["services"]["earful"]["ports"]
    host, outside, inside = published.split(":")
    assert listens[0] == "0.0.0.0", "a port that is published does not reach a container's loopback"
    assert listens[2] == inside == outside == last(image, "EXPOSE")
    assert host == "127.0.0.1"
    asked = re.search(r"http://127\.0\.0\.1:(\d+)/health", last(image, "HEALTHCHECK"))
    assert asked is not None
    assert asked[1] == inside


def test_it_starts_again_after_an_orderly_reboot(composed: dict[str, Any]) -> None:
    """At a reboot Docker ends it with SIGTERM and it exits with 0, which `on-failure` takes for the wished end."""
    for service in composed["services"].values():
        assert service["restart"] in {"unless-stopped", "always"}


def test_it_keeps_its_state_in_a_volume_of_its_user_and_writes_nothing_else(
    image: list[tuple[str, str]], composed: dict[str, Any]
) -> None:
    earful = composed["services"]["earful"]
    assert last(image, "VOLUME") == "/data" == last(image, "WORKDIR")
    assert earful["volumes"] == ["data:/data"]
    assert "data" in composed["volumes"]
    assert last(image, "USER") == "earful"
    assert (earful["read_only"], earful["cap_drop"], earful["tmpfs"]) == (True, ["ALL"], ["/tmp"])
    assert int(earful["stop_grace_period"].removesuffix("s")) > 20, "what is in flight is finished within 20 s"
    assert last(image, "STOPSIGNAL") == "SIGTERM"


def test_secrets_are_taken_as_they_are(composed: dict[str, Any]) -> None:
    """Docker Compose expands $ in an env_file unless it is told not to: pa$$word would be another one."""
    assert composed["services"]["earful"]["env_file"] == [{"path": "earful.env", "required": False, "format": "raw"}]


def test_the_image_is_the_wheel_and_the_packages_of_the_lock(image: list[tuple[str, str]]) -> None:
    """What it builds is tried step by step in test_image.py; here, that nothing else can come in."""
    installs = [set(rest.split()) for word, rest in image if word == "RUN" and "pip install" in rest]
    locked, tools, ours = installs
    for each, lock in ((locked, "/build/requirements.lock"), (tools, "/build/build.lock")):
        assert {"--require-hashes", "--no-deps", "--only-binary=:all:", "-r", lock} <= each
    assert {"--target", "/build/tools"} <= tools, "what builds the wheel stays out of the image"
    assert {"--no-index", "--no-deps", "/build/dist/*.whl"} <= ours
    kept = [rest for word, rest in image if word == "COPY" and rest.startswith("--from")]
    assert kept == ["--from=build /opt/earful /opt/earful"]


def test_the_pages_say_how_to_upgrade_and_to_back_up() -> None:
    told = (ROOT / "docs/operations.md").read_text("utf-8")
    for command in ("up -d --build", "exec earful earful backup /data/copy.sqlite", "earful restore /data/copy.sqlite"):
        assert f"docker compose -f deploy/compose.yaml {command}" in told or command in told


# -- several processes ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def workers(composed: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        name: each
        for name, each in composed["services"].items()
        if "workers" in each.get("profiles", ()) and name != "postgres"
    }


def test_the_profile_has_two_judges_and_one_of_each_other_role(workers: dict[str, dict[str, Any]]) -> None:
    run = get_command(app).commands["run"]  # type: ignore[attr-defined]
    played = []
    for each in workers.values():
        assert each["command"][0] == "run"
        roles = run.make_context("run", each["command"][1:]).params["roles"]
        played += [*in_order(read_roles(roles))] * each.get("deploy", {}).get("replicas", 1)
    assert sorted(played) == ["collect", "judge", "judge", "notify", "page"]
    assert set(played) == set(ROLES)


def test_only_the_page_is_reached_and_asked_whether_it_is_well(
    workers: dict[str, dict[str, Any]], composed: dict[str, Any]
) -> None:
    assert [name for name, each in workers.items() if "ports" in each] == ["page"]
    assert workers["page"]["ports"] == composed["services"]["earful"]["ports"]
    assert workers["page"]["command"][-1] == "0.0.0.0:8321"


def test_each_of_the_others_is_asked_for_by_a_command_of_ours(workers: dict[str, dict[str, Any]]) -> None:
    assert workers["page"]["healthcheck"] == {}, "the image's own"
    status = get_command(app).commands["status"]  # type: ignore[attr-defined]
    for name in workers.keys() - {"page"}:
        how, program, command, *rest = workers[name]["healthcheck"]["test"]
        assert (how, program, command) == ("CMD", "earful", "status")
        assert status.make_context("status", rest).params["here"]
        one = workers[name].get("deploy", {}).get("replicas", 1) == 1
        assert ("hostname" in workers[name]) == one, "it asks for a process of its own host"


def test_workers_share_settings_secrets_and_key_and_begin_once_the_database_is_there(
    workers: dict[str, dict[str, Any]], composed: dict[str, Any]
) -> None:
    alone = composed["services"]["earful"]
    same = ("volumes", "env_file", "read_only", "cap_drop", "stop_grace_period", "restart", "image", "tmpfs")
    for each in workers.values():
        assert {name: each[name] for name in same} == {name: alone[name] for name in same}
        assert each["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert set(composed["services"]["postgres"]["profiles"]) == {"postgres", "workers"}


def test_the_command_that_starts_them_names_each_of_them(workers: dict[str, dict[str, Any]]) -> None:
    """Without names it would start the one that does everything as well."""
    for place in ("deploy/compose.yaml", "docs/several-machines.md"):
        text = (ROOT / place).read_text("utf-8")
        (named,) = re.findall(r"--profile workers up -d (.*)", text)
        assert named.split() == list(workers), place
