"""What is particular to Spark: whose session it is, its time zone, its two kinds of timestamps, where it writes."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from service.cohort.engines.spark import SparkEngine

NOON = datetime(2024, 7, 1, 12, tzinfo=UTC)


def test_the_session_runs_in_utc_whatever_it_was(spark: SparkSession) -> None:
    spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    spark.conf.set("spark.sql.ansi.enabled", "false")
    SparkEngine(spark)
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
    assert spark.conf.get("spark.sql.ansi.enabled") == "true"


def test_close_drops_the_steps_and_leaves_the_session(spark_engine: SparkEngine, spark: SparkSession) -> None:
    spark.range(3).createOrReplaceTempView("raw")
    before = stored(spark)
    spark_engine.keep("first", spark_engine.table("raw"))
    spark_engine.keep("second", spark_engine.table("raw"))
    spark_engine.keep("second", spark_engine.table("raw"))
    assert stored(spark) == before + 2
    spark_engine.drop("first")
    assert stored(spark) == before + 1
    spark_engine.close()
    assert stored(spark) == before
    assert [table.name for table in spark.catalog.listTables()] == ["raw"]
    assert spark.range(3).count() == 3


def stored(spark: SparkSession) -> int:
    """How many checkpoints take room."""
    return int(spark.sparkContext._jsc.getPersistentRDDs().size())


def test_a_step_may_replace_the_one_it_is_made_of(spark_engine: SparkEngine, spark: SparkSession) -> None:
    spark.range(3).createOrReplaceTempView("raw")
    step = spark_engine.keep("step", spark_engine.table("raw"))
    step = spark_engine.keep("step", step.mutate(id=step.id * 2))
    assert spark_engine.read(step.order_by("id")).to_pydict() == {"id": [0, 2, 4]}


def test_a_checkpoint_folder_is_used(spark_engine: SparkEngine, spark: SparkSession, tmp_path: Path) -> None:
    spark.range(3).createOrReplaceTempView("raw")
    spark.sparkContext.setCheckpointDir(str(tmp_path))
    try:
        step = spark_engine.keep("step", spark_engine.table("raw"))
        assert spark_engine.read(step).num_rows == 3
        assert list(tmp_path.rglob("part-*"))
    finally:
        # Python offers no way back.
        spark.sparkContext._jsc.sc().setCheckpointDir(None)
    assert spark.sparkContext.getCheckpointDir() is None


def test_parquet_is_read_with_its_zones(spark_engine: SparkEngine, tmp_path: Path) -> None:
    folder = tmp_path / "a folder [with] {signs}*"
    folder.mkdir()
    for part in (1, 2):
        instants = pa.array([NOON], pa.timestamp("us", "UTC"))
        walls = pa.array([NOON.replace(tzinfo=None)], pa.timestamp("us"))
        pq.write_table(pa.table({"part": [part], "instant": instants, "wall": walls}), folder / f"{part}.parquet")
    for table in (
        spark_engine.parquet(folder),
        spark_engine.parquet(folder / "1.parquet", folder / "2.parquet"),
    ):
        assert table.schema()["instant"].timezone == "UTC"
        assert table.schema()["wall"].timezone is None
        found = spark_engine.read(table.order_by("part")).to_pylist()
        assert found == [{"part": part, "instant": NOON, "wall": NOON.replace(tzinfo=None)} for part in (1, 2)]


def test_it_writes_in_its_own_folder(spark: SparkSession, root: Path) -> None:
    settings = dict(spark.sparkContext.getConf().getAll())
    scratch = Path(settings["spark.local.dir"])
    assert any(scratch.iterdir())
    assert Path(settings["spark.sql.warehouse.dir"].removeprefix("file:")).is_relative_to(scratch)
    assert not {"spark-warehouse", "metastore_db", "derby.log", "artifacts"} & set(os.listdir(root))  # noqa: PTH208 (names alone)
    assert settings["spark.driver.host"] == settings["spark.driver.bindAddress"] == "127.0.0.1"
    assert spark.sparkContext.uiWebUrl is None
