"""Blocks of other languages than shell: configuration, messages, statements."""

from __future__ import annotations

import json
import re
import tomllib

import botocore.session
import duckdb
import pytest
import yaml
from botocore.validate import ParamValidator
from django.core.management import call_command

from tests.docs.blocks import PAGES, ROOT, blocks

PARSERS = {"json": json.loads, "toml": tomllib.loads, "yaml": yaml.safe_load}
"""Messages, policies and models have tests of their content beside those of the code."""
ELSEWHERE = {"python": "tests/delivery/test_docs.py", "js": "tests/delivery/test_docs.py"}
HERE = {"sh", "cron", "ini", "nginx", "sql"}
PROSE = {"text"}
"""What programs print."""
INVENTORY_COLUMNS = """bucket VARCHAR, key VARCHAR, sequence_number VARCHAR, version_id VARCHAR,
    is_delete_marker BOOLEAN, size BIGINT, last_modified_date TIMESTAMP, e_tag VARCHAR, storage_class VARCHAR"""
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/metadata-tables-inventory-schema.html"""
LIFECYCLE = "PutBucketLifecycleConfiguration"
PROGRAM = re.compile(r"^\s*(\S*python|manage\.py|docker|kubectl|aws|curl) ", re.MULTILINE)
SETTING = re.compile(r"^([A-Z][A-Z0-9_]*)=(\S.*)$")
SETTINGS = [block for block in blocks("ini") if not block.text.startswith("[")]


def test_every_block_names_a_language_that_is_checked():
    fences = sum(len(re.findall(r"^ *```", page.read_text("utf-8"), re.MULTILINE)) for page in PAGES)
    assert fences == 2 * len(blocks())
    assert {block.language for block in blocks()} == {*PARSERS, *ELSEWHERE, *HERE, *PROSE}
    assert [str(block) for block in blocks("text") if PROGRAM.search(block.text)] == []
    assert [language for language, file in ELSEWHERE.items() if f'"{language}"' not in (ROOT / file).read_text()] == []


@pytest.mark.parametrize("block", blocks(*PARSERS), ids=str)
def test_block_is_read_by_its_parser(block):
    assert PARSERS[block.language](block.text)


def test_lifecycle_rule_is_one_that_s3_accepts():
    (rules,) = [json.loads(block.text) for block in blocks("json") if '"AbortIncompleteMultipartUpload"' in block.text]
    operation = botocore.session.get_session().get_service_model("s3").operation_model(LIFECYCLE)
    report = ParamValidator().validate({"Bucket": "b", "LifecycleConfiguration": rules}, operation.input_shape)
    assert report.generate_report() == ""


@pytest.mark.parametrize("block", SETTINGS, ids=str)
def test_block_of_settings_has_settings_alone(block):
    """That each exists is tested in tests/test_docs.py, with those of sentences."""
    lines = block.text.splitlines()
    assert [line for line in lines if not SETTING.match(line)] == []
    names = [line.split("=")[0] for line in lines]
    assert len(set(names)) == len(names)


@pytest.mark.django_db
def test_export_of_s3_metadata_is_read_by_the_census(tmp_path, capsys):
    """In DuckDB, which has the same SQL but for UNLOAD."""
    (block,) = blocks("sql")
    statement = re.fullmatch(r"UNLOAD \((.*)\)\s+TO '(.*)' WITH \(format = 'PARQUET'\)\s*", block.text, re.DOTALL)
    select, target = statement.groups()
    schema = re.search(r"FROM (\S+)\.\S+$", select)[1]
    versions = [("a.jpg", "1", 10), ("a.jpg", "2", 20), ("b.jpg", "1", 30)]
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH ':memory:' AS {schema.split('.')[0]}")
        connection.execute(f"CREATE SCHEMA {schema}")
        connection.execute(f"CREATE TABLE {schema}.inventory ({INVENTORY_COLUMNS})")
        values = "'my-archive', ?, ?, 'v', false, ?, now()::TIMESTAMP, 'e', 'STANDARD'"
        connection.executemany(f"INSERT INTO {schema}.inventory VALUES ({values})", versions)
        connection.execute(f"COPY ({select}) TO '{tmp_path}/part.parquet' (FORMAT parquet)")
    assert f"`manage.py census {target} --bucket my-archive`" in (ROOT / "docs/connect-a-bucket.md").read_text()
    call_command("census", str(tmp_path), "--bucket", "my-archive", "--json")
    counts = json.loads(capsys.readouterr().out)
    assert (counts["total"]["pictures"], counts["total"]["bytes"], counts["left_out"]["noncurrent"]) == (2, 50, 1)
