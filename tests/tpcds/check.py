#!/usr/bin/env python3
"""Runs the 99 TPC-DS queries on rsql, on one or more masters, and compares every answer with DuckDB's on the same files.

    python3 -m venv target/tpcds/venv && target/tpcds/venv/bin/pip install duckdb==1.1.3     # carries the generator
    target/tpcds/venv/bin/python tests/tpcds/check.py --generate --sf 1 --data target/tpcds/sf1
    cargo build --release --bin rsql
    target/tpcds/venv/bin/python tests/tpcds/check.py --data target/tpcds/sf1 \\
        [--master 'local[2]' --master 'local-cluster[3,1,2g] rsql.cluster.scanTaskBytes=1' …] [--conf KEY=VALUE …]

A master may be followed by settings of its own. Each master's queries run in one process; after an error or a query that
takes longer than --timeout, which count for that query alone, another process takes the rest. DuckDB answers once. The
queries come with the generator and stay beside the data; --files cuts each table into so many files.

Right is: as many rows; the columns of ORDER BY equal row by row; all others equal among rows that those columns leave tied.
Where LIMIT cuts through tied rows, any of them will do: they are looked for in DuckDB's answer without the LIMIT, and the
line says how many are others than DuckDB's. ORDER BY is looked at up to its first item that is no output column, or whose
numbers are floating. Numbers are equal within 1e-6, or when rounded to the digits that Spark's decimals keep. An answer
that is right, but not cell by cell the one of the first master, is named too. Ends with 1 unless all are right.
"""
import argparse, collections, csv, dataclasses, math, os, pathlib, queue, re, signal, subprocess, sys, tempfile
import threading, time
from decimal import Decimal, InvalidOperation

MARK = "@@query"  # column of the row that goes before each query's answer


def generate(sf, files, data):
    import duckdb
    c = duckdb.connect()
    c.execute("LOAD tpcds")
    c.execute(f"CALL dsdgen(sf={sf})")
    for (table,) in c.execute("SELECT table_name FROM information_schema.tables").fetchall():
        os.makedirs(data / table, exist_ok=True)
        for i in range(files):
            rows = f"SELECT * FROM {table} WHERE rowid % {files} = {i}"
            c.execute(f"COPY ({rows}) TO '{data}/{table}/part-{i}.parquet' (FORMAT parquet)")
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


def cells(rows):
    return [tuple(map(cell, row)) for row in rows]


def equal(ours, theirs):
    if isinstance(ours, Decimal) and isinstance(theirs, Decimal):
        if ours == theirs or math.isclose(ours, theirs, rel_tol=1e-6, abs_tol=1e-9):
            return True
        digits = -ours.as_tuple().exponent
        return digits > 0 and abs(ours - theirs) <= Decimal(1).scaleb(-digits)
    return ours == theirs


def all_equal(ours, theirs):
    return len(ours) == len(theirs) and all(map(equal, ours, theirs))


def not_among(ours, theirs):
    """Rows of ours that are not among theirs, each of which counts once.

    >>> not_among(cells([["1.0", "a"], ["2.57", ""], ["3", "b"], ["3", "b"]]), cells([[2.5683, None], [3, "b"], [1, "a"]]))
    [(Decimal('3'), 'b')]
    """
    exact = collections.Counter(theirs)
    missing = []
    for row in ours:
        if exact[row]:
            exact[row] -= 1
        else:
            missing.append(row)
    theirs = list(exact.elements())
    left = []
    for row in missing:
        at = next((i for i, other in enumerate(theirs) if all_equal(row, other)), None)
        if at is None:
            left.append(row)
        else:
            del theirs[at]
    return left


def top_level(text, pattern):
    """Where the pattern matches outside of parentheses."""
    depth, places = 0, {m.start(): m.end() for m in re.finditer(pattern, text, re.I)}
    for i, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if depth == 0 and i in places:
            yield i, places[i]


def listed(text):
    """What stands between commas."""
    commas = [i for i, _ in top_level(text, ",")]
    return [text[a:b].strip() for a, b in zip([0] + [i + 1 for i in commas], commas + [len(text)])]


def order_columns(text, names):
    """Places among the output columns that ORDER BY names, up to the first item that is none.

    >>> order_columns("SELECT x.a, y.b, y.c AS a2 FROM t ORDER BY x.a DESC NULLS FIRST, 3, y.b, y.c LIMIT 9", ["a", "b", "a2"])
    [0, 2, 1]
    >>> order_columns("SELECT x.a AS b, y.a FROM (SELECT 1 FROM t ORDER BY 1) ORDER BY x.a", ["b", "a"])
    []
    >>> order_columns("SELECT a, b FROM t ORDER BY b, coalesce(a, b), a", ["a", "b"])
    [1]
    """
    order = [end for _, end in top_level(text, r"\border\s+by\b")]
    if not order:
        return []
    select = text[[end for _, end in top_level(text, r"\bselect\b")][-1]:]
    select = listed(select[:next((start for start, _ in top_level(select, r"\bfrom\b")), len(select))].lower())
    places = []
    for item in listed(re.split(r"\blimit\b", text[order[-1]:], flags=re.I)[0].lower()):
        item = re.sub(r"(\s+(asc|desc))?(\s+nulls\s+(first|last))?$", "", item)
        name = item.split(".")[-1]
        if item.isdigit():
            places.append(int(item) - 1)
        # A qualified name may be another column than the output column of that name.
        elif names.count(name) == 1 and (item == name or item in select):
            places.append(names.index(name))
        else:
            break
    return places


@dataclasses.dataclass
class Answer:
    """DuckDB's answer to a query.

    >>> import duckdb
    >>> table = "(VALUES (1, 'a'), (2, 'b'), (2, 'c'), (2, 'd')) AS t (k, v)"
    >>> answer = Answer(duckdb.connect(), f"SELECT k, v FROM {table} ORDER BY k LIMIT 2")
    >>> tied = next(v for v in "bcd" if v != answer.rows[1][1])
    >>> answer.compare(cells([[1, "a"], [2, answer.rows[1][1]]])), answer.compare(cells([[1, "a"], [2, tied]]))
    ((None, 0), (None, 1))
    >>> answer.compare(cells([[1, "a"], [2, "a"]]))
    ("['2', 'a'] is no row between 2 and 2", 0)
    >>> answer.compare(cells([[2, "b"], [1, "a"]])), answer.compare(cells([[1, "a"]]))
    (("['2', 'b'] for ['1', 'a']", 0), ('1 rows for 2', 0))
    """
    duck: object
    text: str

    def __post_init__(self):
        # AT is a keyword of later releases than the one that carries the queries.
        self.text = re.sub(r"\)\s+AT\b", ') "AT"', self.text)
        found = self.duck.execute(self.text)
        names = [column[0].lower() for column in found.description]
        rows = found.fetchall()
        self.rows = cells(rows)
        self.columns = len(names)
        self.order = []
        for place in order_columns(self.text, names):
            self.order.append(place)
            if any(isinstance(row[place], float) for row in rows):
                break
        limit = re.search(r"\blimit\s+(\d+)\s*$", self.text, re.I)
        self.cut_at = limit.start() if limit and int(limit[1]) == len(rows) else None

    def key(self, row):
        return tuple(row[i] for i in self.order)

    def tied(self, key):
        """All rows of this key that there are without the LIMIT."""
        rows = cells(self.duck.execute(self.text[:self.cut_at]).fetchall())
        return [row for row in rows if all_equal(key, self.key(row))]

    def compare(self, ours):
        """What is wrong with an answer, or none and the number of rows that are others among tied ones."""
        show = lambda row: [str(v) for v in row]
        if len(ours) != len(self.rows):
            return f"{len(ours)} rows for {len(self.rows)}", 0
        for a, b in zip(ours, self.rows):
            if len(a) != len(b) or not all_equal(self.key(a), self.key(b)):
                return f"{show(a)} for {show(b)}", 0
        start, others = 0, 0
        while start < len(ours):
            key, end = self.key(self.rows[start]), start + 1
            while end < len(ours) and all_equal(key, self.key(self.rows[end])):
                end += 1
            left = not_among(ours[start:end], self.rows[start:end])
            if left and end == len(ours) and self.cut_at is not None:
                others = len(left)
                left = not_among(ours[start:end], self.tied(key))
            if left:
                return f"{show(left[0])} is no row between {start + 1} and {end}", 0
            start = end
        return None, others


def lines_of(child):
    """The lines that a process prints, through a queue that can be waited for; none at their end."""
    lines = queue.Queue()

    def read():
        for line in child.stdout:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    return lines


def error_of(text, code):
    lines = text.strip().splitlines()
    return next((line for line in lines if line.startswith("[")), lines[-1] if lines else f"exit code {code}")


def run(command, setup, queries, timeout):
    """Runs queries in one process: number, rows or text of the error, and time of each until one fails. What fails
    before the first of them, or after the last, has no number."""
    script = setup + [f"SELECT '{n}' AS `{MARK}`;\n{text};\n" for n, text in queries] + [f"SELECT 'end' AS `{MARK}`;\n"]
    with tempfile.TemporaryFile("w+") as stdin, tempfile.TemporaryFile("w+") as stderr:
        stdin.writelines(script)
        stdin.seek(0)
        child = subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr, text=True, start_new_session=True)
        try:
            lines, number, printed, since = lines_of(child), None, [], time.perf_counter()
            while True:
                try:
                    line = lines.get(timeout=max(0, since + timeout - time.perf_counter()))
                except queue.Empty:
                    yield number if number != "end" else None, "hung", timeout
                    return
                if line is None:
                    code = child.wait()
                    stderr.seek(0)
                    if code or number != "end":
                        yield number if number != "end" else None, error_of(stderr.read(), code), time.perf_counter() - since
                    return
                if line.strip() != MARK:
                    printed.append(line)
                    continue
                if number:
                    yield number, list(csv.reader(printed))[1:], time.perf_counter() - since
                number, printed, since = lines.get().strip(), [], time.perf_counter()
        finally:
            # Executors too, whatever became of the process that started them.
            try:
                os.killpg(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            child.wait()
            stderr.seek(0)
            for line in stderr:
                if " WARN " in line or " ERROR " in line:
                    print(f"   {line.rstrip()}")


def check(command, setup, queries, answers, first, timeout, brief):
    """Checks all queries on one master; whether all are right. `first` holds the rows of the first master."""
    verdicts, empty, tied, differ, total = collections.Counter(), 0, [], [], 0.0
    left, reference = dict(queries), bool(first)
    while left:
        for number, rows, took in run(command, setup, left.items(), timeout):
            if number is None:
                print(f"   outside of queries: {rows[:300]}")
                return False
            del left[number]
            total += took
            others = 0
            if isinstance(rows, str):
                verdict, said = ("hung", "after") if rows == "hung" else ("error", rows)
            else:
                # A single NULL is an empty line, which the reader takes for a row without columns.
                rows = cells(row or [""] * answers[number].columns for row in rows)
                wrong, others = answers[number].compare(rows)
                verdict, said = ("wrong", wrong) if wrong else ("right", f"{len(rows)} rows")
            if verdict == "right":
                empty += not rows
                if others:
                    tied.append(number)
                    said += f", {others} others of those tied at LIMIT"
                if not reference:
                    first[number] = rows
                elif number in first and collections.Counter(rows) != collections.Counter(first[number]):
                    differ.append(number)
                    said += ", not cell by cell the first master's"
            verdicts[verdict] += 1
            if not brief or verdict != "right":
                print(f"{number} {verdict} {said[:300]} {took * 1000:.0f} ms", flush=True)
    print(", ".join(f"{n} {v}" for v, n in sorted(verdicts.items())), f"({empty} without rows), {total:.1f} s")
    if tied:
        print(f"   other rows than DuckDB's of those tied at LIMIT: {' '.join(tied)}")
    if differ:
        print(f"   right, but not cell by cell the first master's: {' '.join(differ)}")
    sys.stdout.flush()
    return set(verdicts) == {"right"}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", type=pathlib.Path, required=True)
    p.add_argument("--generate", action="store_true", help="write data and queries, and end")
    p.add_argument("--sf", default="1", help="scale of --generate")
    p.add_argument("--files", type=int, default=1, help="files of each table of --generate")
    p.add_argument("--rsql", default="target/release/rsql")
    p.add_argument("--master", action="append", help="master, and settings of its own; may be given several times")
    p.add_argument("--conf", action="append", default=[], help="setting of every master")
    p.add_argument("--queries", help="numbers, by comma")
    p.add_argument("--timeout", type=int, default=120, help="seconds that a query may take")
    p.add_argument("--brief", action="store_true", help="only what is not right, and a summary of each master")
    a = p.parse_args()
    if a.generate:
        return generate(a.sf, a.files, a.data)
    import duckdb
    duck = duckdb.connect()
    duck.execute("SET default_null_order = 'nulls_first_on_asc_last_on_desc'")
    setup = []
    for table in sorted(d.name for d in a.data.iterdir() if d.is_dir() and d.name != "queries"):
        duck.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{a.data}/{table}/*.parquet')")
        setup.append(f"CREATE TEMPORARY VIEW {table} USING parquet OPTIONS (path '{a.data.resolve()}/{table}');\n")
    queries, answers, first, right = {}, {}, {}, True
    for path in sorted((a.data / "queries").glob("*.sql")):
        if not a.queries or int(path.stem) in map(int, a.queries.split(",")):
            text = path.read_text().strip().rstrip(";").rstrip()
            queries[path.stem], answers[path.stem] = spark_form(text), Answer(duck, text)
    for given in a.master or [""]:
        print(f"-- {given or 'rsql'}", flush=True)
        master, *conf = given.split() or [None]
        command = [a.rsql, "--format", "csv", "-f", "-"] + (["--master", master] if master else [])
        for setting in a.conf + conf:
            command += ["--conf", setting]
        right &= check(command, setup, queries, answers, first, a.timeout, a.brief)
    return 0 if right and queries else 1


if __name__ == "__main__":
    sys.exit(main())
