"""The package as a whole: imports run one way, public names, file sizes, and the wheel.

The layers are pinned as they stand, lowest first; a module may import modules of lower layers and
of its own. The numeric core imports NumPy, the standard library and itself.
"""

from __future__ import annotations

import ast
import doctest
import inspect
import json
import os
import site
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import yieldopt

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "yieldopt"
FILES = sorted(PACKAGE.rglob("*.py"))
LAYERS: list[set[str]] = [
    {"_version"},
    {"errors", "data", "memory", "same", "shown"},
    {"physics"},
    {"flow_check", "flow_steps", "flow_values", "outcome"},
    {"flow"},
    {"template", "screening"},
    {"interpolation", "walk"},
    {"stacked", "gather", "hopeless"},
    {"stacking"},
    {"engine"},
    {"ledger", "dppm_budget", "composite", "commercial"},
    {"schema"},
    {"read"},
    {"compile"},
    {"optimize", "plan"},
    {"planning"},
    {"solving", "breakeven", "comparison", "explanation", "start_plan", "difference"},
    {"study"},
    {"report"},
    {"benchmark"},
    {"commands"},
    {"cli"},
    {"__main__", "__init__"},
]
CORE = {"errors", "data", "memory", "same", "physics", "flow_check", "flow_steps",
        "flow_values", "outcome", "flow", "template", "screening", "interpolation", "stacked",
        "stacking", "walk", "gather", "hopeless", "engine", "ledger", "dppm_budget", "composite",
        "commercial"}  # fmt: skip
# Third-party packages of each unit outside the core; the rest use none but NumPy.
OUTSIDE = {
    "shown": {"pandas", "polars"},  # names of types alone
    "schema": {"pydantic", "pydantic_core"},
    "read": {
        "pydantic",
        "pydantic_core",
        "tree_sitter",
        "tree_sitter_toml",
        "tree_sitter_json",
        "polars",
        "fastexcel",
        "openpyxl",  # the cells of a workbook with their types, which fastexcel does not tell
    },
    "optimize": {"highspy", "ortools", "pulp"},
    "study": {"pydantic"},
    "report": {
        "pandas",
        "polars",
        "xlsxwriter",
        "altair",
        "vl_convert",
        "pydantic",
        "platformdirs",
    },
    "commands": {"click", "rich"},
    "cli": {"click"},
}
PUBLIC = [
    "Case", "CaseError", "Fault", "Faults", "Flow", "Input", "Law", "Node", "Outcome", "Recipe",
    "Result", "SolverError", "Status", "Step", "UnknownName", "YieldoptError", "__version__",
    "evaluate", "load", "read_flow", "solve", "to_pandas", "to_polars",
]  # fmt: skip


def unit(module: str) -> str:
    """The first part below yieldopt: a module or a subpackage."""
    return module.split(".")[1] if "." in module else "__init__"


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path, typing_too: bool = True) -> Iterator[str]:
    """Every module that a file imports, also inside functions."""
    tree = ast.parse(path.read_text())
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if not typing_too and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            skipped |= {id(inner) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


def level(name: str) -> int:
    return next(at for at, layer in enumerate(LAYERS) if name in layer)


def test_every_unit_has_a_layer() -> None:
    units = {unit(name_of(path)) for path in FILES}
    assert units == set().union(*LAYERS)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_run_one_way(path: Path) -> None:
    own = unit(name_of(path))
    for module in imports(path, typing_too=False):
        if module.split(".")[0] == "yieldopt" and unit(module) != own:
            assert level(unit(module)) <= level(own), f"{own} imports {module}"


def test_no_circle_of_modules() -> None:
    """Also within a layer: imports that run when a module is loaded form no circle."""
    graph: dict[str, set[str]] = {}
    for path in FILES:
        names = set()
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("yieldopt"):
                names.add(str(node.module))
        graph[name_of(path)] = names
    done: set[str] = set()
    while ready := {name for name, below in graph.items() if name not in done and below <= done}:
        done |= ready
    assert sorted(set(graph) - done) == []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_outside_packages(path: Path) -> None:
    own = unit(name_of(path))
    allowed = {"yieldopt", "numpy"} | (set() if own in CORE else OUTSIDE.get(own, set()))
    heads = {module.split(".")[0] for module in imports(path)}
    assert heads - set(sys.stdlib_module_names) <= allowed
    if own in CORE:
        mine = {unit(m) for m in imports(path) if m.split(".")[0] == "yieldopt"}
        assert mine <= CORE | {"shown"}  # which finds what draws by its name


def test_a_solver_is_imported_by_its_own_backend_alone() -> None:
    homes = {"highspy": "highs_lp", "ortools": "ortools_lp", "pulp": "pulp_lp"}
    for path in FILES:
        for module in imports(path):
            home = homes.get(module.split(".")[0])
            assert home in (None, path.stem), f"{path.stem} imports {module}"


def test_public_names_are_pinned() -> None:
    assert yieldopt.__all__ == sorted(yieldopt.__all__) == PUBLIC
    for name in yieldopt.__all__:
        assert getattr(yieldopt, name) is not None
    assert set(dir(yieldopt)) == set(yieldopt.__all__)
    with pytest.raises(AttributeError, match="no attribute 'sovle'"):
        _ = yieldopt.sovle


def documented(thing: Any, name: str) -> Iterator[tuple[str, Any]]:
    """A public name, and the public functions of a class, its bases in the package included."""
    yield name, thing
    if inspect.isclass(thing):
        for key, value in inspect.getmembers(thing):
            own = (getattr(value, "__module__", None) or "").startswith("yieldopt")
            called = inspect.isfunction(value) or inspect.ismethod(value)  # no cached property
            if not key.startswith("_") and called and own:
                yield f"{name}.{key}", value


def test_every_public_name_is_explained_with_an_example_that_runs() -> None:
    """Doctests are collected: that there is one is seen here, that it is right when it is run."""
    lacking = []
    for name in (name for name in yieldopt.__all__ if name != "__version__"):
        for place, thing in documented(getattr(yieldopt, name), name):
            text = thing.__doc__ or ""
            examples = doctest.DocTestParser().get_examples(text)
            if not text or not any(example.want for example in examples):
                lacking.append(place)
    assert lacking == []


def test_importing_the_package_loads_nothing() -> None:
    code = "import sys, yieldopt; print(sorted(m for m in sys.modules if m.startswith('yieldopt')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['yieldopt', 'yieldopt._version']"


def test_evaluating_a_flow_object_loads_numpy_alone() -> None:
    code = (
        "import sys\nfrom yieldopt import Flow, Node, Step, evaluate\n"
        "evaluate(Flow('a', (Node('a', steps=(Step('s', 'process', 1.0),)),)))\n"
        "print(sorted({'pydantic', 'tree_sitter', 'pandas', 'polars', 'ortools', 'pulp', 'highspy',"
        " 'click'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_are_short_and_say_what_they_are(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 300
    assert not text or ast.get_docstring(ast.parse(text))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True)
    (path,) = out.glob("*.whl")
    return path


@pytest.mark.long
def test_every_file_ships_in_the_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for path in FILES:
        assert path.relative_to(ROOT).as_posix() in names
    assets = (
        "py.typed",
        "commands/starter.toml",
        "report/page/report.css",
        "report/page/report.js",
    )
    assert {f"yieldopt/{name}" for name in assets} <= names
    for kind in ("models", "cases", "schemas"):
        for path in (p for end in ("toml", "csv", "json") for p in (ROOT / kind).rglob(f"*.{end}")):
            assert f"yieldopt/_data/{path.relative_to(ROOT).as_posix()}" in names
    assert not [name for name in names if name.startswith(("tests", "bench"))]
    assert not [name for name in names if name.endswith((".pyc", ".ipynb"))]


@pytest.mark.long
def test_the_wheel_works_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """A new environment that sees the present one's dependencies, but its own yieldopt first."""
    env = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", str(env)], check=True)
    python = env / "bin" / "python"
    if not python.exists():
        python = env / "Scripts" / "python.exe"
    install = [str(python), "-m", "pip", "install", "--no-deps", "--no-index", "-q", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    query = "import sysconfig; print(sysconfig.get_path('purelib'))"
    done = subprocess.run([str(python), "-c", query], capture_output=True, text=True, check=True)
    # A .pth beside the wheel: what it names comes after the wheel on the path, and .pth files
    # there (of an editable install of the checkout) are not run.
    lines = "\n".join(site.getsitepackages())
    (Path(done.stdout.strip()) / "dependencies.pth").write_text(lines)
    away = tmp_path / "away"
    away.mkdir()
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}

    def out(*command: object) -> str:
        done = subprocess.run(
            [*map(str, command)], capture_output=True, text=True, cwd=away, env=clean, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    home = Path(out(python, "-c", "import yieldopt; print(yieldopt.__file__)").strip())
    assert home.is_relative_to(env)
    command = python.with_name("yieldopt")
    answer = json.loads(out(command, "solve", "minimal", "--json"))
    assert answer["status"] == "optimal"
    here = yieldopt.solve(yieldopt.load("minimal"))
    assert answer["objective_usd"] == pytest.approx(here.objective_usd, rel=1e-9)
    routes = out(command, "list", "routes")
    assert "cowos_s" in routes
    assert "osat_2p5d" in routes
    assert list(away.iterdir()) == []


@pytest.mark.parametrize("wrong", [None, "minimal", {}])
def test_wrong_types_say_what_is_wanted(wrong: object) -> None:
    with pytest.raises(TypeError, match=r"solve takes a Case, as load\(path\) gives it"):
        yieldopt.solve(wrong)
    with pytest.raises(TypeError, match=r"evaluate takes a Flow, as read_flow\(path\) gives it"):
        yieldopt.evaluate(wrong)
