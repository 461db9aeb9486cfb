"""The packages for cohorts are optional: nothing asks for them before they are used, and then it says what installs them."""

import subprocess
import sys
from pathlib import Path

import pytest

from service.cohort import engines
from service.cohort.engines import EngineError, check_installed


def in_a_new_python(root: Path, code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_room_imports_none_of_them(root: Path) -> None:
    heavy = "{'ibis', 'duckdb', 'pyarrow', 'pandas', 'numpy', 'psycopg', 'pyspark', 'matplotlib', 'sqlglot'}"
    assert in_a_new_python(root, f"import sys, service.cohort.engines; print({heavy} & set(sys.modules))") == "set()"


def test_a_script_for_spark_needs_no_spark(root: Path) -> None:
    code = """
import sys
sys.modules["pyspark"] = None
from service.cohort.engines.script import ScriptEngine
script = ScriptEngine("pyspark")
raw = script.table("raw", {"n": "float64"})
script.result("found", script.keep("step", raw.filter(raw.n > 0.1)))
print(script.text())
"""
    script = in_a_new_python(root, code)
    assert script.startswith("SET spark.sql.session.timeZone = UTC;\n\n")
    assert "CREATE TABLE indication_step USING parquet AS\nSELECT" in script
    assert "`n` > CAST('0.1' AS DOUBLE)" in script
    assert "CREATE TABLE found AS\nSELECT" in script


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    check_installed()
    check_installed("postgres")
    check_installed("pyspark")
    monkeypatch.setattr(engines, "find_spec", lambda name: None if name in ("duckdb", "pyspark") else object())
    with pytest.raises(EngineError, match=r"(?s)installed here: duckdb\n.*script/setup cohort"):
        check_installed()
    with pytest.raises(EngineError, match=r"(?s)installed here: pyspark\n.*script/setup spark"):
        check_installed("pyspark")
    check_installed("postgres")
