"""Settings: order of sources, unknown keys, types."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.config import load_settings, settings_from_json, settings_to_json
from pipeline.errors import UsageError


def test_command_line_wins_over_environment_over_file_over_profile(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[publish]\nkeep = 7\nqueries = 7\nkeep_days = 7\n[ocr]\nengine = "easyocr"\n')
    tree = load_settings(
        "laptop", file, {"FIGLAKE_PUBLISH__KEEP": "8", "FIGLAKE_PUBLISH__QUERIES": "8"}, ["publish.keep=9"]
    )
    assert (tree.publish.keep, tree.publish.queries, tree.publish.keep_days) == (9, 8, 7)
    assert (tree.ocr.engine, tree.ray.object_store_mb) == ("easyocr", 512)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("ocr.motor=x", "unknown key ocr.motor"),
        ("eyes.engine=x", "unknown section 'eyes'"),
        ("ocr.batch_size=many", "'many' is not a int"),
        ("ocr=x", "ocr is a section"),
        ("ocr.engine", "wants key=value"),
    ],
)
def test_a_wrong_override_is_one_clear_error(override: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_settings(environment={}, overrides=[override])


def test_an_unknown_key_in_a_file_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[ocr]\nmotor = 1\n")
    with pytest.raises(UsageError, match=r"mine\.toml: unknown key ocr\.motor"):
        load_settings(config=file, environment={})


def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no configuration file"):
        load_settings(config=tmp_path / "none.toml", environment={})
    (tmp_path / "broken.toml").write_text("[ocr")
    with pytest.raises(UsageError, match="cannot read the configuration"):
        load_settings(config=tmp_path / "broken.toml", environment={})


def test_an_unknown_profile_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match="laptop, cluster"):
        load_settings("desktop", environment={})


def test_both_profiles_load() -> None:
    assert load_settings("laptop", environment={}).ocr.engine == "rapidocr"
    assert load_settings("cluster", environment={}).ocr.engine == "easyocr"


def test_storage_options_keep_their_case_and_stay_out_of_the_repr() -> None:
    tree = load_settings(environment={"FIGLAKE_STORAGE__AWS_SECRET_ACCESS_KEY": "hush"})
    assert dict(tree.storage) == {"AWS_SECRET_ACCESS_KEY": "hush"}
    assert "hush" not in repr(tree)


def test_settings_survive_the_way_to_another_process() -> None:
    tree = load_settings(
        environment={"FIGLAKE_SPARK__CONF": '{"spark.a": "1"}'}, overrides=["figures.roles=page,drawing"]
    )
    assert settings_from_json(json.loads(json.dumps(settings_to_json(tree), default=dict))) == tree


def test_tuning_does_not_change_what_settings_mean() -> None:
    assert "batch_size" not in load_settings(environment={}).meaning("ocr")
    assert load_settings(environment={}).meaning("figures.roles") == ["drawing", "abstract figure", "front page"]
