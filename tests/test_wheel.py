"""What `pip install adaframe` would bring, and that it works away from the checkout."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling", reason="hatchling builds the wheel")
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("adaframe-*.whl")
    return path


@pytest.mark.slow
def test_the_wheel_has_the_package_and_what_comes_with_it(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())

    bundled = [path for kind in ("configs", "checkpoints") for path in (ROOT / kind).rglob("*") if path.is_file()]
    wanted = {f"adaframe/_bundled/{path.relative_to(ROOT).as_posix()}" for path in bundled}
    wanted |= {path.relative_to(ROOT).as_posix() for path in (ROOT / "adaframe").rglob("*.py")}
    wanted |= {path.relative_to(ROOT).as_posix() for path in (ROOT / "adaframe/live/web/static").iterdir()}
    wanted |= {"adaframe/py.typed", "adaframe/_bundled/datasets/fight_surv_folds.csv"}
    assert wanted <= names
    assert {name.split("/")[0] for name in names if not name.startswith("adaframe-")} == {"adaframe"}
    assert any(name.endswith("licenses/LICENSE") for name in names)


@pytest.mark.slow
def test_an_installed_wheel_finds_what_came_with_it(wheel: Path, tmp_path: Path) -> None:
    site = str(tmp_path / "site")
    install = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", site, str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    every = {path.name for path in (ROOT / "configs").glob("*.yaml")}
    # A study is a list of configurations.
    configs = {"demo.yaml"} | {name for name in every if not name.endswith("-study.yaml")}
    papers = sorted(path.name for path in (ROOT / "configs" / "paper").glob("*.yaml"))
    assert papers
    checkpoints = {path.name for path in (ROOT / "checkpoints").glob("*.safetensors")}
    code = f"""if True:
        import sys
        sys.path.insert(0, {site!r})
        import adaframe
        from adaframe import bundled
        from adaframe.cli.configuration import read_config
        print(adaframe.__file__, bundled.dataset_path("fight_surv_folds.csv"), sep="\\n")
        for name in {sorted(configs)}:
            print(bundled.config_path(name))
            read_config("configs/" + name)
        for name in {papers}:
            print(bundled.config_path(name, paper=True))
            read_config("paper/" + name)
        for name in {sorted(checkpoints)}:
            print(bundled.checkpoint_path(name))
    """

    done = subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert all(line.startswith(site) for line in done.stdout.splitlines())
