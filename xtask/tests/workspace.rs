//! The workspace itself keeps the rules, and a broken one is noticed.

use std::fs;
use std::path::Path;

#[test]
fn workspace_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
    let violations: Vec<String> =
        xtask::tidy::check(&root).unwrap().iter().map(ToString::to_string).collect();
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn files_of_every_folder_are_read() {
    let root = tempfile::tempdir().unwrap();
    for file in ["crates/a/src/deep/er.rs", "crates/a/tests/t.rs", "crates/a/build.rs", "xtask/src/main.rs"] {
        let path = root.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "fn undocumented() {}").unwrap();
    }
    fs::write(root.path().join("crates/a/notes.txt"), "not Rust").unwrap();
    let sources = xtask::tidy::sources::read(root.path()).unwrap();
    assert_eq!(xtask::tidy::sources::check(&sources).len(), 4);
}
