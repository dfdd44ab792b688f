//! Many queries leave nothing behind: threads, descriptors, files and memory are what they were after the first ones.
//!
//! In a process of its own, whose threads and memory are those of the cluster's master and nothing else.

use std::process::Command;

use crate::tpch::{SF, data};

fn soak(queries: &str, at_once: &str) {
    let folder = data().parent().unwrap();
    let out = Command::new(env!("CARGO_BIN_EXE_measure"))
        .args(["soak", "--check", "--looks", "4", "--master", "local-cluster[2,1,512m]"])
        .args([
            "--sf",
            &SF.to_string(),
            "--queries",
            queries,
            "--at-once",
            at_once,
            "--data",
        ])
        .arg(folder)
        .output()
        .unwrap();
    let (table, errors) = (
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr),
    );
    println!("{table}");
    assert!(out.status.success(), "{table}{errors}");
}

#[test]
fn two_hundred_queries_one_after_another_leave_nothing() {
    soak("200", "1");
}

#[test]
fn sixty_queries_sixteen_at_once_leave_nothing() {
    soak("60", "16");
}
