"""The wheel runs everything by itself: built here, unpacked elsewhere, and started in an empty folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from monitor.setup.commands import InstallError, demo_folder, sample_settings

ROOT = Path(__file__).resolve().parents[2]
FIRST_ALERT = "answer by"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the three packages and the program, as a wheel puts them into site-packages."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist")]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    [wheel] = (folder / "dist").glob("earful-*.whl")
    unpack = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", str(folder / "in")]
    subprocess.run([*unpack, str(wheel)], check=True, capture_output=True, timeout=120)
    return folder / "in"


def earful(installed: Path, *words: str) -> tuple[list[str], dict[str, str]]:
    """The call of the installed program; nothing of this checkout is found before it."""
    return [sys.executable, "-P", str(installed / "bin" / "earful"), *words], {
        **{key: value for key, value in os.environ.items() if not key.startswith("EARFUL")},
        "PYTHONPATH": str(installed),
        "PYTHONUNBUFFERED": "1",
    }


def test_the_demo_runs_in_an_empty_folder_and_its_cases_can_be_asked_for(installed: Path, tmp_path: Path) -> None:
    command, environ = earful(installed, "demo")
    seen: list[str] = []
    with subprocess.Popen(command, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, text=True) as demo:
        stop = threading.Timer(60, demo.kill)
        stop.start()
        assert demo.stdout is not None
        for line in demo.stdout:
            seen.append(line)
            if FIRST_ALERT in line:
                break
        demo.send_signal(signal.SIGINT)
        seen += demo.stdout.readlines()
        demo.wait(30)
        stop.cancel()
    shown = "".join(seen)
    assert "Earful is watching for Trundlewick" in shown
    assert FIRST_ALERT in shown
    assert demo.returncode == 0, shown
    assert [each.name for each in tmp_path.iterdir()] == ["earful-demo"]
    command, environ = earful(installed, "--settings", "earful-demo/settings.toml", "cases")
    cases = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert cases.returncode == 0, cases.stderr
    assert "tobiwheels" in cases.stdout


def test_what_the_wheel_runs_is_the_wheels_own_and_the_settings_are_the_shipped_ones(
    installed: Path, tmp_path: Path
) -> None:
    code = "import monitor.setup.commands as it; print(it.SHIPPED); print(it.demo_folder(it.Path('x')))"
    environ = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-P", "-c", code]
    found = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=True, timeout=60)
    shipped, folder = found.stdout.split()
    assert Path(shipped).is_relative_to(installed)
    assert Path(shipped).read_bytes() == (ROOT / "settings.toml").read_bytes()
    assert folder == "x"


def test_in_a_checkout_the_sample_day_is_the_file_at_its_top(tmp_path: Path) -> None:
    assert sample_settings(tmp_path) == ROOT / "settings.toml"
    assert demo_folder(tmp_path) == ROOT
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_can_be_written_the_demo_says_so(tmp_path: Path) -> None:
    (tmp_path / "earful-demo").write_text("a file")
    with pytest.raises(InstallError, match="can't write"):
        sample_settings(tmp_path, shipped=ROOT / "settings.toml")
