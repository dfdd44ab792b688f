#!/usr/bin/env python3
"""Writes the known answers: what DuckDB gives for the 22 queries on the files that `rsql tpch --generate-only` wrote.

    pip install duckdb==2.0.*
    python3 tpch/answers/make.py target/tpch/sf0.01 tpch/answers/sf0.01
"""
import pathlib, sys
import duckdb

data, out = map(pathlib.Path, sys.argv[1:3])
connection = duckdb.connect()
for table in "lineitem orders partsupp part customer supplier nation region".split():
    connection.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{data}/{table}/*.parquet')")
out.mkdir(parents=True, exist_ok=True)
for query in sorted((pathlib.Path(__file__).parent.parent / "queries").glob("q*.sql")):
    relation = connection.execute(query.read_text())
    names = [c[0] for c in relation.description]
    rows = ["|".join("" if v is None else str(v) for v in row) for row in relation.fetchall()]
    (out / f"{query.stem}.csv").write_text("\n".join(["|".join(names), *rows]) + "\n")
