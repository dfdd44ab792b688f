#!/usr/bin/env python3
"""Compares rsql's answers to the 22 TPC-H queries with DuckDB's, on the same Parquet files, at any scale.

    pip install duckdb==2.0.*
    cargo build --release --bin rsql && target/release/rsql tpch --sf 10 --generate-only
    python3 tpch/check.py --sf 10

Right is: as many rows; the columns of ORDER BY equal row by row; all other columns equal among rows that ORDER BY leaves
tied. Numbers are equal within 1e-6 relative, or if rsql's decimal is DuckDB's value rounded to its own last digit (Spark's
averages of decimals carry fewer digits). Everything else is equal as text. Ends with 1 if any answer is wrong.
"""
import argparse, csv, io, pathlib, re, subprocess, sys, time
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

HERE = pathlib.Path(__file__).resolve().parent
AVERAGE_DIGITS = -6  # exponent of the averages of DECIMAL(15,2)
TABLES = "lineitem orders partsupp part customer supplier nation region".split()


def rsql_rows(binary, data, sql):
    """Header and rows that the binary prints as CSV. The views are made in the same process."""
    views = "".join(f"CREATE TEMPORARY VIEW {t} USING parquet OPTIONS (path '{data}/{t}');\n" for t in TABLES)
    done = subprocess.run([binary, "-f", "-", "--format", "csv"], input=views + sql, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    header, *rows = csv.reader(io.StringIO(done.stdout))
    return header, rows


def number(text):
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def same(ours, theirs):
    """One cell of each side, as text."""
    if ours == theirs:
        return True
    a, b = number(ours), number(theirs)
    if a is None or b is None:
        return False
    if abs(a - b) <= Decimal("1e-6") * max(abs(a), abs(b)):
        return True
    digits = a.as_tuple().exponent
    return "e" not in ours.lower() and digits <= AVERAGE_DIGITS and b.quantize(Decimal(1).scaleb(digits), ROUND_HALF_UP) == a


def order_columns(sql, names):
    """Places of the output columns that the outermost ORDER BY names."""
    tail = re.split(r"\border\s+by\b", sql, flags=re.I)
    if len(tail) == 1 or ")" in tail[-1]:
        return []
    listed = re.split(r"\blimit\b", tail[-1], flags=re.I)[0].rstrip("; \n").split(",")
    return [names.index(item.split()[0].lower()) for item in listed]


def difference(sql, names, ours, theirs):
    """What is wrong with `ours`, or None."""
    if len(ours) != len(theirs):
        return f"{len(ours)} rows, DuckDB has {len(theirs)}"
    keys = order_columns(sql, names)
    for i, (a, b) in enumerate(zip(ours, theirs)):
        if len(a) != len(b):
            return f"row {i + 1} has {len(a)} columns, DuckDB's {len(b)}"
        for k in keys:
            if not same(a[k], b[k]):
                return f"row {i + 1}, {names[k]}: {a[k]}, DuckDB has {b[k]}"
    start = 0
    while start < len(theirs):
        end = start + 1
        while end < len(theirs) and all(same(theirs[end][k], theirs[start][k]) for k in keys):
            end += 1
        left = list(theirs[start:end])
        for i in range(start, end):
            match = next((b for b in left if all(map(same, ours[i], b))), None)
            if match is None:
                return f"row {i + 1}: {ours[i]}, DuckDB has {left[0]}"
            left.remove(match)
        start = end
    return None


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--sf", default="10")
    ap.add_argument("--data", default=str(HERE.parent / "target" / "tpch"))
    ap.add_argument("--rsql", default=str(HERE.parent / "target" / "release" / "rsql"))
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--query", type=int, nargs="*", help="only these")
    a = ap.parse_args()
    import duckdb

    data = pathlib.Path(a.data).resolve() / f"sf{float(a.sf):g}"
    connection = duckdb.connect(config={"threads": a.threads})
    for t in TABLES:
        connection.execute(f"CREATE VIEW {t} AS SELECT * FROM read_parquet('{data}/{t}/*.parquet')")
    wrong = checked = 0
    for path in sorted((HERE / "queries").glob("q*.sql")):
        n = int(path.stem[1:])
        if a.query and n not in a.query:
            continue
        sql, start = path.read_text(), time.time()
        relation = connection.execute(sql)
        names = [c[0].lower() for c in relation.description]
        theirs = [["" if v is None else str(v) for v in row] for row in relation.fetchall()]
        try:
            _, ours = rsql_rows(a.rsql, data, sql)
            what = difference(sql, names, ours, theirs)
        except RuntimeError as error:
            what = str(error)
        checked += 1
        wrong += what is not None
        print(f"Q{n:<3} {len(theirs):>8} rows {time.time() - start:7.1f} s  {what or 'right'}", flush=True)
    print(f"scale factor {a.sf}: {checked - wrong} of {checked} answers are those of DuckDB {duckdb.__version__}")
    sys.exit(1 if wrong or not checked else 0)


if __name__ == "__main__":
    main()
