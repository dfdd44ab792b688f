#!/usr/bin/env python3
"""Runs the 99 TPC-DS queries on rsql and compares every answer with DuckDB's on the same Parquet files.

    pip install duckdb==2.0.* && cargo build --release --bin rsql
    python3 -m venv target/dsdgen && target/dsdgen/bin/pip install duckdb==1.1.3 pyarrow   # carries the generator
    target/dsdgen/bin/python tests/tpcds/check.py --generate --sf 1 --data target/tpcds/sf1
    python3 tests/tpcds/check.py --data target/tpcds/sf1 [--master 'local-cluster[3,1,2g]'] [--conf 'a=b']

The queries come with the generator and stay beside the data. Rows are compared in any order (ORDER BY of these queries
leaves ties); numbers within 1e-6, or equal when rounded to the digits that Spark's decimals keep.
"""
import argparse, collections, csv, io, math, os, pathlib, re, subprocess, sys, time
from decimal import Decimal, InvalidOperation


def generate(sf, data):
    import duckdb
    c = duckdb.connect()
    c.execute("LOAD tpcds")
    c.execute(f"CALL dsdgen(sf={sf})")
    for (table,) in c.execute("SELECT table_name FROM information_schema.tables").fetchall():
        os.makedirs(data / table, exist_ok=True)
        c.execute(f"COPY {table} TO '{data}/{table}/part-0.parquet' (FORMAT parquet)")
    os.makedirs(data / "queries", exist_ok=True)
    for number, text in c.execute("SELECT query_nr, query FROM tpcds_queries()").fetchall():
        (data / "queries" / f"{number:02}.sql").write_text(text)


def spark_form(text):
    """What DuckDB writes otherwise than Spark: quotes around names, and days added to dates."""
    text = re.sub(r'"([^"\n]+)"', r"`\1`", text)
    return re.sub(r"INTERVAL\s+(\d+)\s+days?\b", r"INTERVAL '\1' DAY", text, flags=re.I)


def cell(value):
    if value is None or value == "":
        return None
    text = str(value).strip()
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


def equal(ours, theirs):
    if isinstance(ours, Decimal) and isinstance(theirs, Decimal):
        if ours == theirs or math.isclose(ours, theirs, rel_tol=1e-6, abs_tol=1e-9):
            return True
        digits = -ours.as_tuple().exponent
        return digits > 0 and abs(ours - theirs) <= Decimal(1).scaleb(-digits)
    return ours == theirs


def sort_key(row):
    return [("", "") if v is None else ("n", f"{v:+025.3f}") if isinstance(v, Decimal) else ("s", v) for v in row]


def same(ours, theirs):
    if len(ours) != len(theirs):
        return f"{len(ours)} rows for {len(theirs)}"
    for a, b in zip(sorted(ours, key=sort_key), sorted(theirs, key=sort_key)):
        if len(a) != len(b) or not all(equal(x, y) for x, y in zip(a, b)):
            return f"{[str(v) for v in a]} for {[str(v) for v in b]}"
    return None


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--data", type=pathlib.Path, required=True)
    p.add_argument("--generate", action="store_true")
    p.add_argument("--sf", default="1")
    p.add_argument("--rsql", default="target/release/rsql")
    p.add_argument("--master")
    p.add_argument("--conf", action="append", default=[])
    p.add_argument("--queries", help="numbers, by comma")
    p.add_argument("--timeout", type=int, default=120)
    a = p.parse_args()
    if a.generate:
        return generate(a.sf, a.data)
    import duckdb
    duck = duckdb.connect()
    duck.execute("SET default_null_order = 'nulls_first_on_asc_last_on_desc'")
    setup = []
    for table in sorted(d.name for d in a.data.iterdir() if d.is_dir() and d.name != "queries"):
        duck.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{a.data}/{table}/*.parquet')")
        setup += ["-e", f"CREATE TEMPORARY VIEW {table} USING parquet OPTIONS (path '{a.data.resolve()}/{table}')"]
    verdicts, total = collections.Counter(), 0.0
    for path in sorted((a.data / "queries").glob("*.sql")):
        if a.queries and int(path.stem) not in map(int, a.queries.split(",")):
            continue
        text = path.read_text().strip().rstrip(";")
        # AT became a keyword between the release that carries the queries and the one that answers them.
        asked = re.sub(r"\)\s+AT\b", ') "AT"', text)
        theirs = [[cell(v) for v in row] for row in duck.execute(asked).fetchall()]
        command = [a.rsql, "--format", "csv"]
        command += ["--master", a.master] if a.master else []
        for conf in a.conf:
            command += ["--conf", conf]
        start = time.perf_counter()
        try:
            run = subprocess.run(command + setup + ["-e", spark_form(text)], capture_output=True, text=True, timeout=a.timeout)
        except subprocess.TimeoutExpired:
            verdicts["hung"] += 1
            print(f"{path.stem} hung")
            continue
        took = time.perf_counter() - start
        if run.returncode != 0:
            verdicts["error"] += 1
            print(f"{path.stem} error {run.stderr.strip().splitlines()[0][:160] if run.stderr.strip() else run.returncode}")
            continue
        rows = list(csv.reader(io.StringIO(run.stdout)))[1:]
        difference = same([[cell(v) for v in row] for row in rows], theirs)
        verdicts["wrong" if difference else "right"] += 1
        total += took
        print(f"{path.stem} {'wrong ' + difference[:300] if difference else 'right'} {len(rows)} rows {took * 1000:.0f} ms", flush=True)
    print(", ".join(f"{n} {v}" for v, n in sorted(verdicts.items())), f"{total:.1f} s")
    return 0 if set(verdicts) == {"right"} else 1


if __name__ == "__main__":
    sys.exit(main())
