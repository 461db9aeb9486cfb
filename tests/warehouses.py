"""Real warehouses for the tests: a PostgreSQL server and a Spark session of their own, started by the first test that asks.

Nothing is skipped where one is missing: the test fails and says what installs it. Under pytest-xdist each worker that needs
one starts its own; `arrange` lets those tests run first, which with xdist's default distribution brings them to few workers.

The PostgreSQL server is in postgres_server.py.
"""

import io
import json
import os
import re
import secrets
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from service.cohort.engines import Engine
from tests.postgres_server import INSTALL

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa
    from pyspark.sql import SparkSession

#: Spark's, in all; the tests' cohorts take a part of it
SPARK_MEMORY = "2g"
#: short runs end before Java's better compiler pays, and two cores need no parallel collector: less than half the time
SPARK_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"

#: what pytest is told not to take for an error anywhere
WARNINGS = (
    # Ibis 12 asks DuckDB 2 for every schema by this name.
    r"ignore:fetch_arrow_table\(\) is deprecated:DeprecationWarning",
)
#: and in the tests that ask for Spark alone
_WARNINGS_OF_SPARK = (
    # pyspark leaves the sockets on which it fetches rows to the garbage collector.
    r"ignore:unclosed <socket\.socket .*127\.0\.0\.1:ResourceWarning",
)


def arrange(items: list[pytest.Item]) -> None:
    """Tests that ask for Spark first, then those that ask for PostgreSQL, then all others as they come."""
    items.sort(key=lambda item: (not _asks(item, "spark", "pyspark"), not _asks(item, "postgres_server", "postgres")))
    for item in items:
        if _asks(item, "spark", "pyspark"):
            for warning in _WARNINGS_OF_SPARK:
                item.add_marker(pytest.mark.filterwarnings(warning))


def _asks(item: pytest.Item, fixture: str, engine: str) -> bool:
    parameters: dict[str, object] = item.callspec.params if hasattr(item, "callspec") else {}
    return fixture in getattr(item, "fixturenames", ()) or parameters.get("engine") == engine


# ---- Spark ----


@contextmanager
def spark_session(scratch: Path) -> Iterator["SparkSession"]:
    """Two cores of this machine, talking to itself alone. The Java process ends with this block."""
    # Where Spark's own script looks; and it needs a Java of a few years, not the newest.
    os.environ["JAVA_HOME"] = _java_home()
    # Read by the Java process as it starts; otherwise it looks up this machine's name.
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    from pyspark import SparkContext

    from service.cohort.engines.spark import local_session

    session = local_session(cores=2, memory=SPARK_MEMORY, scratch=scratch, java=SPARK_JAVA)
    try:
        yield session
    finally:
        gateway = cast("Any", SparkContext)._gateway
        with warnings.catch_warnings(action="ignore", category=ResourceWarning):
            session.stop()
            gateway.shutdown()
            # The Java process ends when its input does; soon, unless it plans a query that somebody interrupted.
            gateway.proc.stdin.close()
            try:
                gateway.proc.wait(timeout=10)
            except subprocess.TimeoutExpired:
                gateway.proc.kill()
                gateway.proc.wait()
        cast("Any", SparkContext)._gateway = cast("Any", SparkContext)._jvm = None


def _java_home() -> str:
    """The folder of a Java that Spark 4.0 runs on, found as script/setup finds it."""
    if "JAVA_HOME" in os.environ:
        return os.environ["JAVA_HOME"]
    on_path = shutil.which("java")
    found = [Path(on_path).resolve()] if on_path else []
    for version in (17, 21):
        found += sorted(Path("/usr/lib/jvm").glob(f"java-{version}-*/bin/java"))
    for java in found:
        told = subprocess.run([java, "-version"], capture_output=True, text=True).stderr
        if re.search(r'version "(17|18|19|20|21)[."]', told):
            return str(java.parent.parent)
    pytest.fail(f"Java 17 to 21 is not installed: {INSTALL}")


# ---- filling them ----


def fill(engine: Engine, name: str, table: "pa.Table", scratch: Path) -> "ir.Table":
    """A table of the warehouse that holds `table`: numbers, texts, booleans, dates, timestamps and lists of texts."""
    import ibis
    import pyarrow.parquet as pq

    connection = engine.connection
    match engine.dialect:
        case "duckdb":
            return connection.create_table(name, table)
        case "postgres":
            made = connection.create_table(name, schema=ibis.Schema.from_pyarrow(table.schema))
            with connection.con.cursor() as cursor, cursor.copy(f'COPY "{name}" FROM STDIN (FORMAT csv)') as copy:
                copy.write(_as_csv(table))
            return made
        case "pyspark":
            path = scratch / f"{name}-{secrets.token_hex(4)}.parquet"
            pq.write_table(table, path)
            cast("Any", engine)._session.read.parquet(str(path)).createOrReplaceTempView(name)
            return cast("Any", engine).table(name)


def _as_csv(table: "pa.Table") -> bytes:
    """As PostgreSQL's COPY reads it: nothing between two commas is NULL, an empty text is quoted."""
    import pyarrow as pa
    import pyarrow.csv

    for place, field in enumerate(table.schema):
        if pa.types.is_list(field.type):
            # A list of texts in PostgreSQL's own writing, which quotes and escapes as JSON does.
            cells = [
                None if words is None else "{" + ",".join(json.dumps(word, ensure_ascii=False) for word in words) + "}"
                for words in table.column(place).to_pylist()
            ]
            table = table.set_column(place, field.name, pa.array(cells, pa.string()))
    written = io.BytesIO()
    pyarrow.csv.write_csv(table, written, pyarrow.csv.WriteOptions(include_header=False, quoting_style="all_valid"))
    return written.getvalue()
