//! The interactive shell on a terminal.

use std::time::{Duration, Instant};

use crate::terminal::{CTRL_C, CTRL_D, Terminal, UP};

const PROMPT: &str = "rsql> ";
const MORE: &str = "    > ";
/// Runs for hours.
const ENDLESS: &str = "SELECT count(*) FROM range(10000000) a JOIN range(10000000) b ON a.id <> b.id;";

#[test]
fn statements_span_lines_and_results_are_tables() {
    let home = tempfile::tempdir().unwrap();
    let Some(mut t) = Terminal::start(home.path(), &[]) else {
        return;
    };
    t.wait_for(PROMPT);
    t.line("SELECT 1 AS one,");
    t.wait_for(MORE);
    t.line("       ';' AS two;");
    t.wait_for("│ one │ two │");
    t.wait_for("1 row in");
    t.wait_for(PROMPT);
    t.line("SELECT 1 AS x; SELECT 2 AS y;");
    t.wait_for("│ x │");
    t.wait_for("│ y │");
    t.wait_for(PROMPT);
    t.press(CTRL_D);
    assert_eq!(t.exit_code(), Some(0));
}

#[test]
fn ctrl_c_clears_the_line_or_cancels_the_query_and_keeps_the_shell() {
    let home = tempfile::tempdir().unwrap();
    let Some(mut t) = Terminal::start(home.path(), &[]) else {
        return;
    };
    t.wait_for(PROMPT);
    t.line("SELECT broken FROM");
    t.wait_for(MORE);
    t.press("nowhere");
    t.wait_for("nowhere");
    t.press(CTRL_C);
    t.wait_for(PROMPT);
    t.line("SELECT 'fresh' AS a;");
    t.wait_for("│ fresh │");
    t.wait_for(PROMPT);
    t.line("CREATE TEMPORARY VIEW kept AS SELECT 7 AS seven;");
    t.wait_for(PROMPT);
    t.line(ENDLESS);
    t.wait_for("b.id;");
    std::thread::sleep(Duration::from_millis(500));
    let pressed = Instant::now();
    t.press(CTRL_C);
    t.wait_for("[OPERATION_CANCELED]");
    t.wait_for(PROMPT);
    assert!(pressed.elapsed() < Duration::from_secs(10), "{:?}", pressed.elapsed());
    t.line("SELECT * FROM kept;");
    t.wait_for("│ seven │");
    t.wait_for("1 row in");
    t.wait_for(PROMPT);
    t.press(CTRL_D);
    assert_eq!(t.exit_code(), Some(0));
}

#[test]
fn a_cancelled_script_does_not_go_on() {
    let home = tempfile::tempdir().unwrap();
    let Some(mut t) = Terminal::start(home.path(), &[]) else {
        return;
    };
    t.wait_for(PROMPT);
    t.line(&format!("{ENDLESS} SELECT 'second' AS never;"));
    t.wait_for("never;");
    std::thread::sleep(Duration::from_millis(300));
    t.press(CTRL_C);
    let between = t.wait_for(PROMPT);
    assert!(
        between.contains("OPERATION_CANCELED") && !between.contains("second"),
        "{between}"
    );
}

#[test]
fn history_is_kept_over_sessions_even_killed_ones() {
    let home = tempfile::tempdir().unwrap();
    let Some(mut first) = Terminal::start(home.path(), &[]) else {
        return;
    };
    first.wait_for(PROMPT);
    first.line("SELECT 'from the");
    first.wait_for(MORE);
    first.line("first' AS a;");
    first.wait_for("1 row in");
    first.wait_for(PROMPT);
    first.line("\\timing off");
    first.wait_for("Timing is off.");
    first.wait_for(PROMPT);
    // Killed, not left.
    drop(first);
    let mut second = Terminal::start(home.path(), &[]).unwrap();
    second.wait_for(PROMPT);
    second.press(UP);
    second.wait_for("\\timing off");
    second.press(UP);
    second.wait_for("SELECT 'from the");
    second.press("\r");
    second.wait_for("1 row in");
}

#[test]
fn commands_to_the_shell() {
    let home = tempfile::tempdir().unwrap();
    let script = home.path().join("script.sql");
    std::fs::write(&script, "SELECT 'read' AS from_file;").unwrap();
    let Some(mut t) = Terminal::start(home.path(), &["--conf", "spark.sql.session.timeZone=UTC"]) else {
        return;
    };
    t.wait_for(PROMPT);
    t.line("CREATE TABLE pets (name STRING, age INT);");
    t.wait_for("done in");
    t.wait_for(PROMPT);
    for (command, answer) in [
        ("\\d", "│ pets"),
        ("\\dt p*", "│ pets"),
        ("\\d pets", "│ age"),
        (".schema pets", "│ age"),
        (".tables", "│ pets"),
        ("\\l", "│ default"),
        ("\\df date_add", "│ date_add"),
        ("\\?", "\\timing [on|off]"),
        ("help", "\\timing [on|off]"),
        ("\\c default", ""),
        ("\\nonsense", "There is no command \\nonsense"),
        ("\\c nowhere", "[SCHEMA_NOT_FOUND]"),
        ("\\i /no/such/file", "/no/such/file"),
        (&format!("source {}", script.display()), "│ read"),
        (&format!("\\i {}", script.display()), "│ read"),
        ("\\format json", ""),
        ("SELECT 4 AS four;", "{\"four\":4}\r\n1 row in"),
        ("\\timing", "Timing is off."),
        ("SELECT 5 AS five;", "{\"five\":5}"),
        ("SELECT missing;", "^"),
    ] {
        t.line(command);
        t.wait_for(command.trim_end());
        t.wait_for("\r\n");
        t.wait_for(answer);
        // What is typed before the prompt is back may be lost.
        t.wait_for(PROMPT);
    }
    t.line("quit;");
    assert_eq!(t.exit_code(), Some(0));
}

#[test]
fn words_that_leave() {
    for word in ["exit", "QUIT", "\\q", ".exit", "exit;"] {
        let home = tempfile::tempdir().unwrap();
        let Some(mut t) = Terminal::start(home.path(), &[]) else {
            return;
        };
        t.wait_for(PROMPT);
        t.line(word);
        assert_eq!(t.exit_code(), Some(0), "{word}");
    }
}

#[test]
fn passwords_are_asked_for_and_not_shown() {
    let home = tempfile::tempdir().unwrap();
    for (again, code) in [("lovelace", 0), ("byron", 2)] {
        let Some(mut t) = Terminal::start(home.path(), &["hash-password", "ada"]) else {
            return;
        };
        t.wait_for("Password of ada: ");
        t.line("lovelace");
        let shown = t.wait_for("The same again: ");
        assert_eq!(shown, "\r\n");
        t.line(again);
        let shown = t.wait_for(if code == 0 { "ada:" } else { "differ" });
        assert!(!shown.contains(again), "{shown}");
        assert_eq!(t.exit_code(), Some(code));
    }
}

#[test]
fn a_batch_on_a_terminal_prints_tables() {
    let home = tempfile::tempdir().unwrap();
    let Some(mut t) = Terminal::start(home.path(), &["-e", "SELECT 1 AS one"]) else {
        return;
    };
    t.wait_for("│ one │");
    assert_eq!(t.exit_code(), Some(0));
}

#[test]
fn a_cluster_shows_stages_and_tasks() {
    let home = tempfile::tempdir().unwrap();
    let args = [
        "--master",
        "local-cluster[2,1,256m]",
        "--conf",
        "rsql.cluster.scanTaskBytes=1",
    ];
    let Some(mut t) = Terminal::start(home.path(), &args) else {
        return;
    };
    t.wait_for(PROMPT);
    t.line("SELECT count(DISTINCT sha2(cast(id AS string), 512)) AS n FROM range(0, 600000, 1, 2);");
    let before = t.wait_for("tasks, 2 running, stage 1 of 1");
    assert!(before.contains("0/2"), "{before}");
    t.wait_for("│ 600000 │");
    t.wait_for("1 row in");
    // Ctrl-C reaches the cluster.
    t.wait_for(PROMPT);
    t.line("SELECT count(*) FROM range(100000000) a JOIN range(100000000) b ON a.id * 7 % 11 < b.id * 5 % 13;");
    t.wait_for("running, stage");
    t.press(CTRL_C);
    t.wait_for("[OPERATION_CANCELED]");
    t.wait_for(PROMPT);
    t.press(CTRL_D);
    assert_eq!(t.exit_code(), Some(0));
}
