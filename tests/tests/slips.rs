//! The slips that the random queries are judged by still apply to the code, so that `tests/slips/run` can be run any time.

use std::path::PathBuf;
use std::process::Command;

use super::tidy::root;

#[test]
fn slips_still_apply() {
    if Command::new("git").arg("--version").output().is_err() {
        println!("skipped: git is not installed");
        return;
    }
    let root = root();
    let mut slips: Vec<PathBuf> = std::fs::read_dir(root.join("tests/slips"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "patch"))
        .collect();
    slips.sort();
    assert_eq!(slips.len(), 10);
    // In a folder of its own: it does not matter whether this is a checkout.
    let folder = tempfile::tempdir().unwrap();
    for slip in slips {
        let text = std::fs::read_to_string(&slip).unwrap();
        for path in text.lines().filter_map(|l| l.strip_prefix("--- a/")) {
            let copy = folder.path().join(path);
            std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
            std::fs::copy(root.join(path), copy).unwrap();
        }
        let checked = Command::new("git")
            .args(["apply", "--check"])
            .arg(&slip)
            .current_dir(folder.path())
            .env("GIT_CEILING_DIRECTORIES", folder.path().parent().unwrap())
            .output()
            .unwrap();
        let why = String::from_utf8_lossy(&checked.stderr).into_owned();
        assert!(checked.status.success(), "{}: {why}", slip.display());
    }
}
