#!/usr/bin/env python3
"""Times the 22 TPC-H queries on rsql and on its peers, in one run, on the same Parquet files.

    pip install duckdb==2.0.* datafusion==55.* pysail==0.7.2 pyspark-client==4.1.1
    cargo build --release --bin rsql && target/release/rsql tpch --sf 1 --generate-only
    python3 tpch/compare.py --sf 1 --threads 2

Every engine stays one process. Runs are interleaved (engine after engine, five rounds); the fastest run of each query
counts, and ratios are what to quote: machines are noisy.
"""
import argparse, os, pathlib, subprocess, sys, time

HERE = pathlib.Path(__file__).resolve().parent
TABLES = "lineitem orders partsupp part customer supplier nation region".split()


class Rsql:
    name = "rsql"

    def __init__(self, a, data):
        command = [a.rsql, "tpch", "--sf", str(a.sf), "--data", str(data.parent), "--on-demand",
                   "--conf", f"rsql.exec.threads={a.threads}"]
        if a.master:
            command += ["--master", a.master]
            self.name = f"rsql {a.master}"
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, number, _sql):
        self.process.stdin.write(f"{number}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if not answer or answer[0] != "ok":
            raise RuntimeError(" ".join(answer) or "rsql ended")
        return float(answer[1]) / 1000


class InProcess:
    def run(self, _number, sql):
        start = time.perf_counter()
        self.execute(sql)
        return time.perf_counter() - start


class DuckDb(InProcess):
    name = "duckdb"

    def __init__(self, a, data):
        import duckdb
        self.connection = duckdb.connect(config={"threads": a.threads})
        self.name = f"duckdb {duckdb.__version__}"
        for t in TABLES:
            self.connection.execute(f"CREATE VIEW {t} AS SELECT * FROM read_parquet('{data}/{t}/*.parquet')")

    def execute(self, sql):
        self.connection.execute(sql).fetchall()


class DataFusion(InProcess):
    name = "datafusion"

    def __init__(self, a, data):
        import datafusion
        config = datafusion.SessionConfig().with_target_partitions(a.threads)
        self.context = datafusion.SessionContext(config)
        self.name = f"datafusion {datafusion.__version__}"
        for t in TABLES:
            self.context.register_parquet(t, f"{data}/{t}")

    def execute(self, sql):
        self.context.sql(sql).collect()


class Sail(InProcess):
    """Sail over Spark Connect; `local-cluster` mode starts two workers, as rsql's `local-cluster[2,1,…]` does."""

    name = "sail"
    mode = "local"

    def __init__(self, a, data):
        from pyspark.sql import SparkSession
        port = 50951 + len(self.mode)
        environment = {**os.environ, "SAIL_MODE": self.mode, "SAIL_CLUSTER__WORKER_INITIAL_COUNT": "2",
                       "SAIL_CLUSTER__WORKER_MAX_COUNT": "2", "RUST_LOG": "error"}
        self.server = subprocess.Popen([str(pathlib.Path(sys.executable).parent / "sail"), "spark", "server", "--port", str(port)], env=environment,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.name = f"sail {self.mode}"
        time.sleep(5)
        self.session = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()
        for t in TABLES:
            self.session.read.parquet(f"{data}/{t}").createOrReplaceTempView(t)

    def execute(self, sql):
        for statement in [s for s in sql.split(";") if s.strip()]:
            self.session.sql(statement).toArrow()

    def __del__(self):
        # The client waits long for a server that is gone.
        self.session.stop()
        self.server.kill()


class SailCluster(Sail):
    mode = "local-cluster"


PEERS = {"duckdb": DuckDb, "datafusion": DataFusion, "sail": Sail, "sail-cluster": SailCluster}


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--sf", default="1")
    ap.add_argument("--threads", type=int, default=os.cpu_count())
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--data", default=str(HERE.parent / "target" / "tpch"))
    ap.add_argument("--rsql", default=str(HERE.parent / "target" / "release" / "rsql"))
    ap.add_argument("--peers", default="duckdb", help="of " + ", ".join(PEERS))
    ap.add_argument("--master", help="where rsql runs: local[N], local-cluster[W,C,M]")
    a = ap.parse_args()
    data = pathlib.Path(a.data).resolve() / f"sf{float(a.sf):g}"
    queries = {int(p.stem[1:]): p.read_text() for p in sorted((HERE / "queries").glob("q*.sql"))}
    engines = [Rsql(a, data)] + [PEERS[p](a, data) for p in a.peers.split(",") if p]
    best = {(e.name, n): float("inf") for e in engines for n in queries}
    for round_number in range(a.rounds):
        for n, sql in queries.items():
            for e in engines:
                try:
                    best[e.name, n] = min(best[e.name, n], e.run(n, sql))
                except Exception as error:
                    if round_number == 0:
                        print(f"{e.name} Q{n}: {str(error)[:200]}")
    print(f"scale factor {a.sf}, {a.threads} threads, fastest of {a.rounds}, ms")
    print("query " + " ".join(f"{e.name:>18}" for e in engines) + "   ratio to " + engines[-1].name)
    for n in queries:
        times = [best[e.name, n] for e in engines]
        print(f"Q{n:<4} " + " ".join(f"{t * 1000:18.1f}" for t in times) + f"   {times[0] / times[-1]:.2f}")
    totals = [sum(best[e.name, n] for n in queries) for e in engines]
    print("total " + " ".join(f"{t * 1000:18.1f}" for t in totals) + f"   {totals[0] / totals[-1]:.2f}")


if __name__ == "__main__":
    main()
