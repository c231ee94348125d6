"""The Kubernetes example, held against the image that it runs and the settings that it brings."""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from monitor.cli import app
from monitor.settings.loading import load
from tests.house.reading import ROOT
from tests.setup.dockerfile import instructions

ENV = re.compile(r'env\s*=\s*"(\w+)"')
KINDS = ("ConfigMap", "Secret", "PersistentVolumeClaim", "Deployment", "Service")


@pytest.fixture(scope="module")
def parts() -> dict[str, dict[str, Any]]:
    """Each object by its kind; there is one of each."""
    found = list(yaml.safe_load_all((ROOT / "deploy/kubernetes.yaml").read_text("utf-8")))
    assert tuple(each["kind"] for each in found) == KINDS
    return {each["kind"]: each for each in found}


@pytest.fixture(scope="module")
def image() -> dict[str, str]:
    """The last instruction of each word."""
    return dict(instructions(ROOT / "deploy/Dockerfile"))


@pytest.fixture(scope="module")
def pod(parts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = parts["Deployment"]["spec"]["template"]["spec"]
    return found


@pytest.fixture(scope="module")
def container(pod: dict[str, Any]) -> dict[str, Any]:
    [found] = pod["containers"]
    return dict(found)


def mounted(container: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["mountPath"] for each in container["volumeMounts"]}


def test_no_two_pods_ever_work_on_the_database(parts: dict[str, dict[str, Any]]) -> None:
    spec = parts["Deployment"]["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    assert parts["PersistentVolumeClaim"]["spec"]["accessModes"] == ["ReadWriteOncePod"]


def test_it_runs_what_the_image_runs(container: dict[str, Any], image: dict[str, str]) -> None:
    program, option, _ = json.loads(image["ENTRYPOINT"])
    assert container["command"][:2] == [program, option]
    assert container["args"] == json.loads(image["CMD"])
    run = get_command(app).commands["run"]  # type: ignore[attr-defined]
    assert run.make_context("run", container["args"][1:]).params["listen"] == container["args"][-1]


def test_probes_and_service_reach_the_port_that_the_page_listens_on(
    parts: dict[str, dict[str, Any]], container: dict[str, Any], image: dict[str, str]
) -> None:
    [port] = container["ports"]
    assert str(port["containerPort"]) == image["EXPOSE"] == container["args"][-1].rpartition(":")[2]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"] == {"path": "/health", "port": port["name"]}
    assert "/health" in image["HEALTHCHECK"]
    service = parts["Service"]["spec"]
    assert [each["targetPort"] for each in service["ports"]] == [port["name"]]
    template = parts["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert service["selector"] == parts["Deployment"]["spec"]["selector"]["matchLabels"] == template


def test_it_is_the_images_user_without_rights_on_a_root_that_is_read_only(
    pod: dict[str, Any], container: dict[str, Any]
) -> None:
    steps = " ".join(rest for word, rest in instructions(ROOT / "deploy/Dockerfile") if word == "RUN")
    uid, gid = (int(re.search(pattern, steps)[1]) for pattern in (r"--uid (\d+)", r"--gid (\d+)"))  # type: ignore[index]
    held = pod["securityContext"]
    assert (held["runAsNonRoot"], held["runAsUser"], held["runAsGroup"], held["fsGroup"]) == (True, uid, gid, gid)
    assert held["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False, "else the Service puts EARFUL_... into the environment"
    assert pod["terminationGracePeriodSeconds"] > 20


def test_the_volume_is_where_the_image_and_the_settings_keep_the_data(
    parts: dict[str, dict[str, Any]], pod: dict[str, Any], container: dict[str, Any], image: dict[str, str],
    tmp_path: Path,
) -> None:  # fmt: skip
    volumes = {each["name"]: each for each in pod["volumes"]}
    assert set(volumes) == set(mounted(container))
    assert mounted(container)["data"] == image["VOLUME"]
    claimed = volumes["data"]["persistentVolumeClaim"]["claimName"]
    assert claimed == parts["PersistentVolumeClaim"]["metadata"]["name"]
    assert volumes["settings"]["configMap"]["name"] == parts["ConfigMap"]["metadata"]["name"]
    [(name, text)] = parts["ConfigMap"]["data"].items()
    file = f"{mounted(container)['settings']}/{name}"
    assert container["command"][2] == file
    assert {each["name"]: each["value"] for each in container["env"]} == {"EARFUL_SETTINGS": file}
    written = tmp_path / name
    written.write_text(text, "utf-8")
    settings = load(written, parts["Secret"]["stringData"])
    assert settings.database.url.get_secret_value() == f"sqlite:{image['VOLUME']}/earful.sqlite"
    assert str(settings.state_folder) == image["VOLUME"]


def test_every_secret_of_the_settings_is_a_key_of_the_secret(
    parts: dict[str, dict[str, Any]], container: dict[str, Any]
) -> None:
    [text] = parts["ConfigMap"]["data"].values()
    assert set(ENV.findall(text)) == set(parts["Secret"]["stringData"])
    assert container["envFrom"] == [{"secretRef": {"name": parts["Secret"]["metadata"]["name"]}}]


def test_the_page_about_it_names_what_is_there(parts: dict[str, dict[str, Any]], container: dict[str, Any]) -> None:
    told = (ROOT / "docs/kubernetes.md").read_text("utf-8")
    assert container["image"] in told
    assert container["image"].rpartition(":")[2] == version("earful")
    port = parts["Service"]["spec"]["ports"][0]["port"]
    assert f"port-forward service/{parts['Service']['metadata']['name']} 8321:{port}" in told
    assert f"deploy/{parts['Deployment']['metadata']['name']} --" in told
    assert f"secret generic {parts['Secret']['metadata']['name']} " in told
