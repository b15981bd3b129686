"""The config: layers in their order, types, and what people are told when something is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from nb2pipe.runtime import Evaluation, Pipeline, RunError, RunOptions, Stage
from nb2pipe.runtime.config import Config, read_config
from nb2pipe.runtime.config_types import checked
from nb2pipe.runtime.package import Package

BASE = """\
data:
  root: notebooks
load:
  path: a.csv
train:
  seed: 1
  rate: 1e-3
  C: 2.0
  name: no
  flag: true
  options: {a: 1, b: {c: 2}}
  columns: [x, y]
  limit: null
gates:
  evaluation:
    roc_auc: {min: 0.7}
    report.f1: {min: 0.5}
"""


def load(*, path: Path) -> None:
    """A stage."""


def train(
    *,
    seed: int,
    rate: float,
    C: float,  # noqa: N803
    name: str,
    flag: bool,
    options: dict,  # type: ignore[type-arg]
    columns: tuple[str, ...],
    limit: int | None,
    free,  # type: ignore[no-untyped-def]
) -> None:
    """Another."""


TRAIN = ("seed", "rate", "C", "name", "flag", "options", "columns", "limit")
PIPELINE = Pipeline(
    name="demo",
    stages=(
        Stage(load, kind="load_data", params={"path": "load.path"}),
        Stage(train, kind="train", params={name: f"train.{name}" for name in TRAIN} | {"free": "train.seed"}),
    ),
    gates=(Evaluation(after="train"),),
)

Reads = Callable[..., Config]


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reads:
    """Reads a config from the texts of its files; environment variables stand in ``environ``."""
    monkeypatch.delenv("APP_ENV", raising=False)

    def read_(
        *overrides: str,
        base: str = BASE,
        staging: str | None = None,
        environ: dict[str, str] | None = None,
        **options: Any,
    ) -> Config:
        folder = tmp_path / "config"
        folder.mkdir(exist_ok=True)
        (folder / "base.yaml").write_text(base)
        if staging is not None:
            (folder / "staging.yaml").write_text(staging)
        package = Package("demo", tmp_path / "demo", tmp_path, folder, tmp_path / "notebook.lock")
        return read_config(PIPELINE, package, RunOptions(overrides=overrides, **options), environ or {})

    return read_


def test_values_have_the_annotated_types(read: Reads) -> None:
    config = read()
    assert config.arguments == {
        "load": {"path": Path("a.csv")},
        "train": {
            "seed": 1,
            "rate": 0.001,
            "C": 2.0,
            "name": "no",
            "flag": True,
            "options": {"a": 1, "b": {"c": 2}},
            "columns": ("x", "y"),
            "limit": None,
            "free": 1,
        },
    }
    assert config.thresholds == {"gates.evaluation": {"roc_auc": {"min": 0.7}, "report.f1": {"min": 0.5}}}
    assert config.data_root == "notebooks"


def test_each_layer_overrides_the_one_before(read: Reads, tmp_path: Path) -> None:
    further = tmp_path / "mine.yaml"
    layers: dict[str, Any] = {
        "staging": "train:\n  seed: 2\n",
        "env": "staging",
        "config": further,
        "environ": {"DEMO__TRAIN__SEED": "4"},
    }
    further.write_text("train: {seed: 3}\n")
    seen = [read().values["train.seed"]]
    seen += [read(**{name: layers[name] for name in list(layers)[:count]}).values["train.seed"] for count in (2, 3, 4)]
    seen += [read("train.seed=5", **layers).values["train.seed"]]
    assert [(found.value, found.origin) for found in seen] == [
        (1, "config/base.yaml:6"),
        (2, "config/staging.yaml:2"),
        (3, f"{further}:1"),
        (4, "DEMO__TRAIN__SEED"),
        (5, "--set"),
    ]


def test_app_env_chooses_the_environment(read: Reads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_ENV", "staging")
    config = read(staging="train: {seed: 2}")
    assert (config.environment, config.values["train.seed"].value) == ("staging", 2)


def test_env_goes_before_app_env(read: Reads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_ENV", "nowhere")
    assert read(staging="", env="staging").environment == "staging"


@pytest.mark.parametrize("named", ["", "base.yaml"])
def test_config_may_be_another_folder(read: Reads, tmp_path: Path, named: str) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "base.yaml").write_text(BASE.replace("seed: 1", "seed: 8"))
    found = read(config=other / named).values["train.seed"]
    assert (found.value, found.origin) == (8, f"{other}/base.yaml:6")


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("train.name=1.0", "name", "1.0"),
        ("train.name=", "name", ""),
        ("train.name=a: b", "name", "a: b"),
        ("train.name=x=y", "name", "x=y"),
        ("train.name=2024-01-01", "name", "2024-01-01"),
        ("train.rate=3", "rate", 3.0),
        ("train.rate=.inf", "rate", float("inf")),
        ("train.limit=7", "limit", 7),
        ("train.limit=null", "limit", None),
        ("train.columns=[p, q]", "columns", ("p", "q")),
        ("train.options={1: [2]}", "options", {1: [2]}),
        ("train.flag=false", "flag", False),
    ],
)
def test_what_set_says_is_read_as_yaml(read: Reads, text: str, key: str, value: Any) -> None:
    found = read(text).arguments["train"][key]
    assert (type(found), found) == (type(value), value)


def test_a_mapping_is_one_value(read: Reads) -> None:
    config = read(staging="train: {options: {z: 9}}", env="staging")
    assert config.arguments["train"]["options"] == {"z": 9}


def test_environment_variables_match_in_any_case(read: Reads) -> None:
    config = read(environ={"demo__train__c": "5", "Demo__Gates__Evaluation__ROC_AUC__MIN": "0.9", "DEMO_OTHER": "x"})
    assert config.arguments["train"]["C"] == 5.0
    assert config.thresholds["gates.evaluation"]["roc_auc"] == {"min": 0.9}


def test_thresholds_are_merged_bound_by_bound(read: Reads) -> None:
    config = read(
        "gates.evaluation.report.f1.max=0.9", staging="gates: {evaluation: {log_loss: {max: 1}}}", env="staging"
    )
    assert config.thresholds["gates.evaluation"] == {
        "roc_auc": {"min": 0.7},
        "report.f1": {"min": 0.5, "max": 0.9},
        "log_loss": {"max": 1.0},
    }


def test_a_stage_that_does_not_run_may_lack_values(read: Reads, tmp_path: Path) -> None:
    read()
    package = Package("demo", tmp_path / "demo", tmp_path, tmp_path / "config", tmp_path / "notebook.lock")
    (tmp_path / "config" / "base.yaml").write_text("load: {path: a.csv}")
    config = read_config(PIPELINE, package, RunOptions(), {}, stages=["load"])
    assert config.arguments["load"] == {"path": Path("a.csv")}


def changed(old: str, new: str) -> dict[str, str]:
    assert old in BASE
    return {"base": BASE.replace(old, new)}


BAD = {
    "wrong type": (
        changed("seed: 1", "seed: abc"),
        "config/base.yaml:6: train.seed: expected a whole number (int), got 'abc' (Input should be a valid integer)",
    ),
    "truth for a number": (
        changed("seed: 1", "seed: true"),
        "config/base.yaml:6: train.seed: expected a whole number (int), got True (bool)"
        " (Input should be a valid integer)",
    ),
    "fraction for a whole number": (
        changed("seed: 1", "seed: 1.5"),
        "config/base.yaml:6: train.seed: expected a whole number (int), got 1.5 (float)"
        " (Input should be a valid integer)",
    ),
    "text for a number": (
        changed("rate: 1e-3", "rate: '0.1'"),
        "config/base.yaml:7: train.rate: expected a number (float), got '0.1' (Input should be a valid number)",
    ),
    "number for text": (
        changed("name: no", "name: 3"),
        "config/base.yaml:9: train.name: expected text (str), got 3 (int) (Input should be a valid string)",
    ),
    "YAML 1.1 truth": (
        changed("flag: true", "flag: yes"),
        "config/base.yaml:10: train.flag: expected true or false (bool), got 'yes' (Input should be a valid boolean)",
    ),
    "wrong type inside": (
        changed("[x, y]", "[x, 1]"),
        "config/base.yaml:12: train.columns: expected tuple[str, ...], got ['x', 1] (list)"
        " (1: Input should be a valid string)",
    ),
    "null where something is needed": (
        changed("seed: 1", "seed:"),
        "config/base.yaml:6: train.seed: expected a whole number (int), got None (NoneType)"
        " (Input should be a valid integer)",
    ),
    "misspelt key": (
        changed("  seed: 1", "  sede: 1"),
        "config/base.yaml:6: no stage reads the key train.sede; did you mean train.seed?",
    ),
    "misspelt section": (
        {"staging": "trian:\n  seed: 1", "env": "staging"},
        "config/staging.yaml:1: no stage reads the key trian; did you mean train?",
    ),
    "a key like no other": (
        {"staging": "# mine\nzzz: 1", "env": "staging"},
        "config/staging.yaml:2: no stage reads the key zzz; there are: data.root, gates.evaluation, load.path,"
        " train.C, train.columns, train.flag, train.limit, train.name, train.options, train.rate, train.seed",
    ),
    "missing value": (
        changed("  seed: 1\n", ""),
        "train.seed has no value; stage train needs it (seed): set it in config/base.yaml",
    ),
    "key given twice": (
        changed("  seed: 1\n", "  seed: 1\n  seed: 2\n"),
        "config/base.yaml:7: seed is given twice, first in line 6",
    ),
    "no YAML": (
        changed("[x, y]", "[x, y"),
        "config/base.yaml:13: not valid YAML: expected ',' or ']', but got ':'",
    ),
    "code in YAML": (
        changed("seed: 1", "seed: !!python/object/apply:os.system [ls]"),
        "config/base.yaml:6: not valid YAML: could not determine a constructor for the tag"
        " 'tag:yaml.org,2002:python/object/apply:os.system'",
    ),
    "a list at the top": ({"base": "- a\n"}, "config/base.yaml:1: expected keys and values"),
    "a value where keys belong": (
        {"staging": "train: 5", "env": "staging"},
        "config/staging.yaml:1: expected keys and values below train",
    ),
    "a value that holds itself": (
        changed("{a: 1, b: {c: 2}}", "&loop {a: *loop}"),
        "config/base.yaml:11: train.options: the value refers to itself",
    ),
    "threshold without a bound": (
        changed("{min: 0.7}", "0.7"),
        "config/base.yaml:16: gates.evaluation.roc_auc: expected min or max, as in {min: 0.8}",
    ),
    "threshold with a wrong bound": (
        changed("{min: 0.7}", "{least: 0.7}"),
        "config/base.yaml:16: gates.evaluation.roc_auc.least: a threshold is min or max",
    ),
    "threshold that is no number": (
        changed("{min: 0.7}", "{min: high}"),
        "config/base.yaml:16: gates.evaluation.roc_auc.min: expected a number (float), got 'high'"
        " (Input should be a valid number)",
    ),
    "threshold that is not a number": (
        changed("{min: 0.7}", "{min: .nan}"),
        "config/base.yaml:16: gates.evaluation.roc_auc.min: a threshold must be a number, not NaN",
    ),
    "unknown variable": (
        {"environ": {"DEMO__TRAIN__SEEED": "1"}},
        "DEMO__TRAIN__SEEED: no stage reads the key train.seeed; did you mean train.seed?",
    ),
    "wrong type in a variable": (
        {"environ": {"DEMO__TRAIN__SEED": "x"}},
        "DEMO__TRAIN__SEED: train.seed: expected a whole number (int), got 'x' (Input should be a valid integer)",
    ),
    "environment that is a path": (
        {"env": "../prod"},
        "--env '../prod' cannot name an environment: use letters, digits, '_' and '-'",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_config_is_one_message(read: Reads, name: str) -> None:
    arguments, message = BAD[name]
    with pytest.raises(RunError) as caught:
        read(**arguments)
    assert str(caught.value) == message


BAD_SET = {
    "train.seed=x": "--set train.seed: train.seed: expected a whole number (int), got 'x'"
    " (Input should be a valid integer)",
    "train.sed=1": "--set: no stage reads the key train.sed; did you mean train.seed?",
    "train=1": "--set train: names a group of keys; set one of them, as in --set train.<name>=...",
    "gates.evaluation=1": "--set gates.evaluation: names a group of keys; set one of them,"
    " as in --set gates.evaluation.<name>=...",
    "gates.evaluation.roc_auc=1": "--set gates.evaluation.roc_auc: a threshold is written"
    " gates.evaluation.<metric>.min or gates.evaluation.<metric>.max",
}


@pytest.mark.parametrize("text", BAD_SET)
def test_a_bad_set_is_one_message(read: Reads, text: str) -> None:
    with pytest.raises(RunError) as caught:
        read(text)
    assert str(caught.value) == BAD_SET[text]


def test_an_unknown_environment_lists_those_there_are(read: Reads, tmp_path: Path) -> None:
    with pytest.raises(RunError) as caught:
        read(staging="", env="prod")
    assert str(caught.value) == (
        f"there is no environment 'prod' in {tmp_path / 'config'}; there are: staging; "
        "choose another with --env or APP_ENV"
    )


def test_a_config_that_does_not_exist(read: Reads) -> None:
    with pytest.raises(RunError, match=r"--config nowhere\.yaml: there is no such file or folder"):
        read(config=Path("nowhere.yaml"))


@pytest.mark.parametrize(
    ("value", "annotation", "result"),
    [
        ("a", Literal["a", "b"], "a"),
        ([1, 2], list[float], [1.0, 2.0]),
        ([1, 2], set[int], {1, 2}),
        ({1: 2}, dict[int, float], {1: 2.0}),
        ("x", Any, "x"),
        ("x", object(), "x"),
    ],
)
def test_annotations_of_all_sorts(value: Any, annotation: Any, result: Any) -> None:
    assert checked([value], annotation, "here") == result
