"""Spark: the session of a cluster, or one on this machine. Steps are kept as checkpoints, never as views over views.

A view is planned anew, down to the source, by every query that reads it: after ten steps that read each other, for ever. A checkpoint is
read as it is. It lies on the executors, in memory and on disk; with a checkpoint folder set on the Spark context it lies there, and then
outlives the loss of an executor.
"""

import re
from pathlib import Path
from typing import Final

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.pyspark import Backend
from ibis.expr import datatypes as dt
from ibis.util import gen_name
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import TimestampType

from service.cohort.engines import Dialect
from service.cohort.engines.sql import as_sql, compiler
from service.cohort.engines.steps import SETTINGS, check, kept, table_name, value_error

#: signs that Spark would take for a pattern of paths
_GLOB: Final = re.compile(r"[\\\[\]{}*?]")
#: the class of SQL states that values cause
_DATA_EXCEPTION: Final = "22"
_INSTANT: Final = dt.Timestamp(timezone="UTC")


class SparkEngine:
    """An engine over a Spark session that somebody else started and will stop."""

    dialect: Dialect = "pyspark"

    def __init__(self, session: SparkSession) -> None:
        self._session = session
        self._kept: dict[str, DataFrame] = {}
        self.connection: Backend = ibis.pyspark.connect(session)
        self.connection.compiler = compiler(self.dialect)
        for statement in SETTINGS[self.dialect]:
            session.sql(statement)

    def table(self, name: str) -> ir.Table:
        """A table or view of the session. Instants have their zone, which Ibis alone would not see."""
        return _with_zones(self.connection.table(name), self._session.table(name))

    def parquet(self, *paths: Path | str) -> ir.Table:
        """Parquet files or folders of them, as one table."""
        frame = self._session.read.parquet(*(_GLOB.sub(r"\\\g<0>", str(path)) for path in paths))
        name = gen_name("indication_parquet")
        frame.createOrReplaceTempView(name)
        return _with_zones(self.connection.table(name), frame)

    def keep(self, name: str, expr: ir.Table) -> ir.Table:
        """Computes a step into a checkpoint."""
        check(self.dialect, name, expr)
        frame = self._session.sql(as_sql(self.dialect, expr))
        reliable = self._session.sparkContext.getCheckpointDir() is not None
        try:
            frame = frame.checkpoint() if reliable else frame.localCheckpoint()
        except PySparkException as error:
            if (error.getSqlState() or "").startswith(_DATA_EXCEPTION):
                raise value_error(name, error) from None
            raise
        self.drop(name)
        frame.createOrReplaceTempView(table_name(name))
        self._kept[name] = frame
        return kept(self.dialect, name, expr.schema(), self.connection)

    def drop(self, name: str) -> None:
        self._session.catalog.dropTempView(table_name(name))
        if (frame := self._kept.pop(name, None)) is not None:
            # Otherwise it is freed when Java happens to notice. Python has no name for it.
            frame._jdf.queryExecution().analyzed().rdd().unpersist(False)

    def read(self, expr: ir.Table) -> pa.Table:
        """Not through Ibis, which goes by pandas: there a whole number beside a missing one becomes a fraction."""
        return self._session.sql(as_sql(self.dialect, expr)).toArrow().cast(expr.schema().to_pyarrow())

    def close(self) -> None:
        """Drops the steps that are still kept; the session goes on."""
        for name in tuple(self._kept):
            self.drop(name)


def _with_zones(table: ir.Table, frame: DataFrame) -> ir.Table:
    """Spark's TIMESTAMP is an instant, its TIMESTAMP_NTZ a local time; Ibis takes both for the latter."""
    instants = [field.name for field in frame.schema.fields if isinstance(field.dataType, TimestampType)]
    return table.cast(dict.fromkeys(instants, _INSTANT)) if instants else table


def local_session(cores: int, memory: str, scratch: Path, java: str = "") -> SparkSession:
    """A session on this machine, without a page of its own, that talks to itself alone and writes under `scratch` alone.

    `memory` is the bound of the Java process' heap, as Java writes it (`2g`); `java` are more of its options.
    """
    settings = {
        "spark.driver.memory": memory,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraJavaOptions": f'"-Djava.io.tmpdir={scratch}" {java}'.strip(),
        "spark.local.dir": str(scratch),
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.sql.shuffle.partitions": str(2 * cores),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
    }
    builder = SparkSession.builder.master(f"local[{cores}]").appName("indication")
    for setting, value in settings.items():
        builder = builder.config(setting, value)
    return builder.getOrCreate()
