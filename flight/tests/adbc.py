"""Drives a Flight SQL server as pandas, polars and BI tools do: through the ADBC driver's DBAPI."""

import sys

import adbc_driver_flightsql
import adbc_driver_flightsql.dbapi as dbapi
import adbc_driver_manager
import pyarrow as pa

uri = sys.argv[1]
login = {}
if len(sys.argv) > 2:
    login = {"username": sys.argv[2], "password": sys.argv[3]}


def connect(**options):
    return dbapi.connect(uri, db_kwargs={**login, **options}, autocommit=True)


def queries(conn):
    with conn.cursor() as cur:
        cur.execute("SELECT 1 AS a, 'x' AS b, CAST(2.50 AS DECIMAL(5,2)) AS c, DATE'2024-01-02' AS d")
        table = cur.fetch_arrow_table()
        assert table.column_names == ["a", "b", "c", "d"], table
        assert str(table["c"][0].as_py()) == "2.50" and table["b"][0].as_py() == "x"
        cur.execute("SELECT id FROM range(100000) ORDER BY id")
        assert cur.fetch_arrow_table().num_rows == 100000
        cur.execute("SELECT 1 AS a WHERE false")
        assert cur.fetchall() == []
        cur.execute("SHOW DATABASES")
        assert ("default",) in cur.fetchall()


def commands(conn):
    with conn.cursor() as cur:
        cur.execute("CREATE TABLE t (a INT, b STRING) USING parquet")
        cur.execute("INSERT INTO t VALUES (1, 'x'), (2, 'y')")
        cur.execute("SELECT count(*) FROM t")
        assert cur.fetchone() == (2,)
        cur.executemany("INSERT INTO t VALUES (?, ?)", [(3, "z"), (4, "w")])
        cur.execute("SELECT sum(a) FROM t")
        assert cur.fetchone() == (10,)


def parameters(conn):
    with conn.cursor() as cur:
        cur.execute("SELECT a FROM t WHERE a > ? AND b <> ? ORDER BY a", (1, "w"))
        assert [r[0] for r in cur.fetchall()] == [2, 3]
        schema = cur.adbc_execute_schema("SELECT a, b FROM t")
        assert schema.names == ["a", "b"], schema
        prepared = cur.adbc_prepare("SELECT ? + 1 AS n")
        assert prepared is not None and len(prepared) == 1


def metadata(conn):
    info = conn.adbc_get_info()
    assert info["vendor_name"] == "rsql", info
    assert "TABLE" in conn.adbc_get_table_types()
    schema = conn.adbc_get_table_schema("t")
    assert schema.field("a").type == pa.int32(), schema
    objects = conn.adbc_get_objects(depth="all").read_all().to_pylist()
    assert objects[0]["catalog_name"] == "spark_catalog"
    schemas = {s["db_schema_name"]: s for s in objects[0]["catalog_db_schemas"]}
    tables = {t["table_name"]: t for t in schemas["default"]["db_schema_tables"]}
    assert [c["column_name"] for c in tables["t"]["table_columns"]] == ["a", "b"]
    assert conn.adbc_current_catalog == "spark_catalog"
    assert conn.adbc_current_db_schema == "default"


def errors(conn):
    with conn.cursor() as cur:
        for sql, condition in [
            ("SELECT 1 / 0", "DIVIDE_BY_ZERO"),
            ("SELECT x FROM nowhere", "TABLE_OR_VIEW_NOT_FOUND"),
            ("SELEC 1", "PARSE_SYNTAX_ERROR"),
        ]:
            try:
                cur.execute(sql)
                cur.fetchall()
                raise AssertionError(f"no error: {sql}")
            except adbc_driver_manager.Error as e:
                assert condition in str(e), (sql, e)
        cur.execute("SELECT 1")
        assert cur.fetchone() == (1,)


def ingestion(conn):
    rows = pa.table({"k": pa.array([1, 2, 3], pa.int64()), "v": ["a", "b", None]})
    with conn.cursor() as cur:
        cur.adbc_ingest("loaded", rows, mode="create")
        cur.adbc_ingest("loaded", rows, mode="append")
        cur.execute("SELECT count(*), count(v), max(v) FROM loaded")
        assert cur.fetchone() == (6, 4, "b")


def isolation(conn):
    with connect() as other, conn.cursor() as a, other.cursor() as b:
        a.execute("CREATE TEMPORARY VIEW mine AS SELECT 1 AS x")
        a.execute("SELECT * FROM mine")
        assert a.fetchall() == [(1,)]
        try:
            b.execute("SELECT * FROM mine")
            raise AssertionError("a temporary view leaked into another session")
        except adbc_driver_manager.Error as e:
            assert "TABLE_OR_VIEW_NOT_FOUND" in str(e)
        b.execute("SELECT count(*) FROM t")
        assert b.fetchone() == (4,)


def strangers():
    if not login:
        return
    try:
        with dbapi.connect(uri, db_kwargs={**login, "password": "wrong"}, autocommit=True) as conn:
            conn.cursor().execute("SELECT 1")
        raise AssertionError("a wrong password was let in")
    except adbc_driver_manager.Error as e:
        assert "REMOTE.UNAUTHENTICATED" in str(e), e


with connect() as connection:
    for check in [queries, commands, parameters, metadata, errors, ingestion, isolation]:
        check(connection)
        print(check.__name__)
strangers()
print("all passed")
