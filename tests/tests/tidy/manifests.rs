//! A manifest names what its crate uses: what nobody names any more is built and audited for nothing.

use super::edges::EDGES;
use super::{root, rust_files};

/// Packages whose library has another name than the package.
const LIBRARIES: [(&str, &str); 2] = [("md-5", "md5"), ("rustls-webpki", "webpki")];

/// Holds no code: a dependency on it sets features.
const FEATURES: &str = "rsql-features";

#[test]
fn dependencies_are_used() {
    let files = rust_files();
    let mut unused = Vec::new();
    for (name, _) in EDGES.iter().filter(|(name, _)| *name != "features") {
        let below = format!("{name}/");
        let code: Vec<&str> = files
            .iter()
            .filter(|(path, _)| path.starts_with(&below))
            .flat_map(|(_, text)| text.lines())
            .filter(|l| !l.trim_start().starts_with("//"))
            .collect();
        let manifest = std::fs::read_to_string(root().join(name).join("Cargo.toml")).unwrap();
        for dependency in dependencies(&manifest).filter(|d| *d != FEATURES) {
            let renamed = LIBRARIES.iter().find(|(package, _)| *package == dependency);
            let library = renamed.map_or(dependency.replace('-', "_"), |(_, library)| library.to_string());
            if !code.iter().any(|l| names(l, &library)) {
                unused.push(format!("{name}: {dependency}"));
            }
        }
    }
    assert!(unused.is_empty(), "dependencies that no line names: {unused:#?}");
}

/// Packages in all sections of a manifest that hold dependencies.
fn dependencies(manifest: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    manifest.lines().filter_map(move |line| {
        if let Some(section) = line.strip_prefix('[') {
            inside = section.ends_with("dependencies]");
            return None;
        }
        let name = line.split(['.', ' ', '=']).next()?;
        (inside && !name.is_empty() && !name.starts_with('#')).then_some(name)
    })
}

/// Whether a line of code names a library: `library::…`, `use library;`, `use library as …`.
fn names(line: &str, library: &str) -> bool {
    line.match_indices(library).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = &line[at + library.len()..];
        before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':' && c != '"')
            && ["::", ";", " as "].iter().any(|a| after.starts_with(a))
    })
}

#[test]
fn names_are_paths_and_imports() {
    for (line, is_named) in [
        ("use libc::c_int;", true),
        ("    use libc as c;", true),
        ("let n = libc::getpid();", true),
        ("let x = my_libc::f();", false),
        ("use crate::libc::f;", false),
        ("let libc = 3;", false),
    ] {
        assert_eq!(names(line, "libc"), is_named, "{line}");
    }
    let manifest = "[package]\nname = \"x\"\n\n[dependencies]\na.workspace = true\n# why\nb-c = \"1\"\n\n[lints]\nworkspace = true\n\n[dev-dependencies]\nd = { version = \"1\" }\n";
    assert_eq!(dependencies(manifest).collect::<Vec<_>>(), ["a", "b-c", "d"]);
}
