"""The project itself: what is shipped, what is pinned, what an import costs, what the README promises."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import nb2pipe
from nb2pipe.runtime.templates import templates_folder

ROOT = Path(__file__).resolve().parents[1]
TEMPLATES = ROOT / "templates"
HEAVY = ("IPython", "jupytext", "libcst", "mlflow", "numpy", "pandas", "pandera", "papermill", "pydantic", "torch")


def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project


def _requirements(*extras: str) -> list[Requirement]:
    project = _project()
    texts = [*project["dependencies"], *(text for extra in extras for text in project["optional-dependencies"][extra])]
    return [Requirement(text) for text in texts]


def _python(*arguments: str, cwd: Path = ROOT) -> str:
    result = subprocess.run([sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


# What an import costs


HELP = """import nb2pipe.cli
sys.argv = ["nb2pipe", "--help"]
try:
    nb2pipe.cli.main()
except SystemExit as end:
    assert not end.code
"""


@pytest.mark.parametrize("code", ["import nb2pipe", "import nb2pipe.cli", HELP], ids=["nb2pipe", "cli", "--help"])
def test_heavy_libraries_are_not_imported(code: str, tmp_path: Path) -> None:
    loaded = f"print([name for name in {HEAVY!r} if name in sys.modules])"
    output = _python("-c", f"import sys\n{code}\n{loaded}", cwd=tmp_path)
    assert output.splitlines()[-1] == "[]"


def test_help_tells_of_the_commands() -> None:
    output = _python("-c", f"import sys\n{HELP}")
    for command in ("check", "explain", "convert", "run"):
        assert re.search(rf"^\s+{command}\b", output, re.MULTILINE), output


# What is shipped


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _wheel_of(ROOT, tmp_path_factory.mktemp("wheel"))


def _wheel_of(source: Path, folder: Path) -> Path:
    _python("-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder), str(source))
    (built,) = folder.glob("*.whl")
    return built


def _members(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_wheel_holds_the_package_and_the_templates(wheel: Path) -> None:
    members = _members(wheel)
    assert "nb2pipe/py.typed" in members
    sources = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in (ROOT / "nb2pipe").rglob("*.py")}
    templates = {
        f"nb2pipe/templates/{path.relative_to(TEMPLATES).as_posix()}": path.read_bytes()
        for path in TEMPLATES.rglob("*")
        if path.is_file()
    }
    assert templates
    assert {name: members.get(name) for name in sources | templates} == sources | templates
    assert not [name for name in members if "__pycache__" in name or "_cache/" in name or name.endswith(".pyc")]


def test_wheel_has_the_command(wheel: Path) -> None:
    (entry_points,) = (text for name, text in _members(wheel).items() if name.endswith("entry_points.txt"))
    assert b"nb2pipe = nb2pipe.cli:main" in entry_points


def test_wheel_made_from_the_sdist_is_the_same(wheel: Path, tmp_path: Path) -> None:
    _python("-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path / "sdist"))
    (sdist,) = (tmp_path / "sdist").glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    assert _members(_wheel_of(source, tmp_path)) == _members(wheel)


def test_versions_agree(wheel: Path) -> None:
    assert wheel.name.split("-")[1] == nb2pipe.__version__
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[(.+?)\]", changelog, re.MULTILINE)
    assert versions[:2] == ["Unreleased", nb2pipe.__version__]


def test_templates_are_found() -> None:
    assert templates_folder() == TEMPLATES
    assert any(TEMPLATES.rglob("*.j2"))


# What is declared and pinned


def test_every_import_is_declared() -> None:
    declared = {canonicalize_name(requirement.name) for requirement in _requirements("demo", "torch")}
    distributions = packages_distributions()
    undeclared = {}
    for path in (ROOT / "nb2pipe").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            else:
                continue
            for top in {module.partition(".")[0] for module in modules} - sys.stdlib_module_names - {"nb2pipe"}:
                names = {canonicalize_name(name) for name in distributions.get(top, [top])}
                if not names & declared:
                    undeclared[f"{path.relative_to(ROOT)}:{node.lineno}"] = top
    assert undeclared == {}


def test_constraints_pin_what_is_declared() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if not line.startswith("#")]
    versions = {canonicalize_name(pin.name): str(pin.specifier) for pin in pins}
    assert all(re.fullmatch(r"==[\w.]+", version) for version in versions.values())
    for requirement in _requirements("demo", "torch", "test"):
        version = versions.get(canonicalize_name(requirement.name), "no pin")
        assert requirement.specifier.contains(version.removeprefix("=="), prereleases=True), f"{requirement}: {version}"


def test_demo_needs_no_torch() -> None:
    assert "torch" not in {requirement.name for requirement in _requirements("demo")}


# What the README promises


def test_readme_names_the_targets_that_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"^(\w+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"^make (\w+)|`make (\w+)", readme, re.MULTILINE))
    assert {"demo", "test"} <= {first or second for first, second in named} <= targets


def test_links_of_the_documents_lead_somewhere() -> None:
    broken = []
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == []


def test_ci_calls_the_makefile() -> None:
    assert "make --no-print-directory test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"run: make (\w+)", workflow)) == {"lint", "test", "demo"}
