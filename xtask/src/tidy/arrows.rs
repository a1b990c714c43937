//! Which crate may use which.
//!
//! The table is the architecture: a crate uses lower layers alone, along these edges. Dev-dependencies are exempt, since a
//! test may look at anything. Some crates are defined by what they do not know; those absences are held here too.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use serde_json::Value;

use super::Violation;

/// What each crate may use of the workspace, lowest layer first.
const ARROWS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("metrics", &[]),
    ("event-log", &["metrics"]),
    ("fsops", &[]),
    ("libtorrent-sys", &[]),
    ("postgres-embedded", &[]),
    ("wire", &[]),
    ("manual", &[]),
    ("event-schema", &["domain", "event-log"]),
    ("engine", &["domain", "libtorrent-sys", "metrics"]),
    ("application", &["domain", "event-log", "event-schema", "metrics"]),
    ("projections", &["domain", "event-log", "event-schema", "metrics"]),
    (
        "reactors",
        &["application", "projections", "engine", "fsops", "event-schema", "event-log", "domain", "metrics"],
    ),
    ("api", &["application", "projections", "event-schema", "event-log", "domain", "wire", "metrics"]),
    ("cli", &["wire", "manual"]),
    (
        "server",
        &[
            "domain",
            "metrics",
            "event-log",
            "fsops",
            "libtorrent-sys",
            "postgres-embedded",
            "wire",
            "manual",
            "event-schema",
            "engine",
            "application",
            "projections",
            "reactors",
            "api",
        ],
    ),
    // Nobody may use these two, except as a dev-dependency.
    ("test-support", &["postgres-embedded", "libtorrent-sys"]),
    ("xtask", &[]),
];

/// What a crate must not use from outside, though cargo would let it.
const ABSENCES: &[(&str, &[&str], &str)] = &[
    ("domain", &["tokio", "sqlx", "poem", "reqwest", "cxx"], "the rules are pure"),
    ("wire", &["tokio", "sqlx", "cxx"], "bodies are shared with the client"),
    ("cli", &["sqlx", "cxx", "poem", "poem-openapi"], "the client speaks HTTP alone"),
    ("api", &["cxx", "sqlx"], "the edge asks the read side and never the database"),
    ("engine", &["sqlx", "poem", "reqwest"], "the engine knows neither log nor network edge"),
    ("event-log", &["cxx", "poem"], "the log carries what it is given"),
];

/// A crate of the workspace and what it uses, dev-dependencies left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name without the project's prefix.
    pub name: String,
    /// Its manifest, relative to the workspace.
    pub manifest: PathBuf,
    /// The crates of the workspace that it uses.
    pub rooms: Vec<String>,
    /// The crates from outside that it uses.
    pub outside: Vec<String>,
}

/// Reads the answer of `cargo metadata --no-deps`.
pub fn parse(metadata: &[u8]) -> anyhow::Result<Vec<Package>> {
    let metadata: Value = serde_json::from_slice(metadata).context("cargo metadata answers JSON")?;
    let root = text(&metadata["workspace_root"])?;
    let packages = metadata["packages"].as_array().context("the metadata lists packages")?;
    packages.iter().map(|package| parse_package(package, root)).collect()
}

fn parse_package(package: &Value, root: &str) -> anyhow::Result<Package> {
    let (mut rooms, mut outside) = (Vec::new(), Vec::new());
    for dependency in package["dependencies"].as_array().context("a package lists dependencies")? {
        if dependency["kind"] == "dev" {
            continue;
        }
        let name = text(&dependency["name"])?;
        if dependency["path"].is_string() {
            rooms.push(room(name));
        } else {
            outside.push(name.to_owned());
        }
    }
    let manifest = text(&package["manifest_path"])?;
    let manifest = manifest.strip_prefix(root).unwrap_or(manifest).trim_start_matches('/');
    Ok(Package { name: room(text(&package["name"])?), manifest: manifest.into(), rooms, outside })
}

fn text(value: &Value) -> anyhow::Result<&str> {
    value.as_str().with_context(|| format!("not a text: {value}"))
}

fn room(name: &str) -> String {
    name.strip_prefix("revaer-").unwrap_or(name).to_owned()
}

/// Holds the table against the crates as they are.
pub fn check(packages: &[Package]) -> Vec<Violation> {
    let table: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut violations = Vec::new();
    let mut broken = |package: &Package, what: String| {
        violations.push(Violation { path: package.manifest.clone(), line: None, what });
    };
    for package in packages {
        let name = package.name.as_str();
        let Some(allowed) = table.get(name) else {
            broken(
                package,
                format!("`{name}` has no place in the architecture: give it a row in the table of arrows"),
            );
            continue;
        };
        for room in package.rooms.iter().filter(|room| !allowed.contains(&room.as_str())) {
            broken(package, format!("`{name}` may not use `{room}`: no arrow leads there"));
        }
        for (_, forbidden, why) in ABSENCES.iter().filter(|(of, ..)| *of == name) {
            for outside in package.outside.iter().filter(|outside| forbidden.contains(&outside.as_str())) {
                broken(package, format!("`{name}` may not use `{outside}`: {why}"));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, rooms: &[&str], outside: &[&str]) -> Package {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Package {
            name: name.to_owned(),
            manifest: "Cargo.toml".into(),
            rooms: owned(rooms),
            outside: owned(outside),
        }
    }

    fn complaint(package: Package) -> String {
        check(&[package]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn arrow_against_the_layers_is_refused() {
        assert_eq!(
            complaint(package("domain", &["engine"], &[])),
            "Cargo.toml: `domain` may not use `engine`: no arrow leads there"
        );
        assert_eq!(complaint(package("engine", &["domain"], &[])), "");
    }

    #[test]
    fn shipping_crate_may_not_use_test_support() {
        assert!(
            complaint(package("server", &["test-support"], &[]))
                .contains("`server` may not use `test-support`")
        );
    }

    #[test]
    fn crate_without_a_row_is_refused() {
        assert!(complaint(package("helpers", &[], &[])).contains("`helpers` has no place"));
    }

    #[test]
    fn absence_is_held() {
        assert!(complaint(package("cli", &["wire"], &["sqlx"])).contains("`cli` may not use `sqlx`"));
        assert_eq!(complaint(package("event-log", &[], &["sqlx"])), "");
    }

    #[test]
    fn every_arrow_points_to_an_earlier_row() {
        for (place, (name, uses)) in ARROWS.iter().enumerate() {
            for used in *uses {
                let earlier = ARROWS[..place].iter().any(|(row, _)| row == used);
                assert!(earlier, "`{name}` uses `{used}`, which is not below it");
            }
        }
    }

    #[test]
    fn dev_dependencies_are_exempt() {
        let metadata = br#"{"workspace_root": "/w", "packages": [{"name": "revaer-wire", "manifest_path": "/w/crates/wire/Cargo.toml",
            "dependencies": [{"name": "revaer-test-support", "kind": "dev", "path": "/w/t"}, {"name": "revaer-domain", "kind": null, "path": "/w/d"},
            {"name": "cxx-build", "kind": "build"}]}]}"#;
        let parsed = parse(metadata).unwrap();
        assert_eq!(
            parsed,
            [Package {
                name: "wire".into(),
                manifest: "crates/wire/Cargo.toml".into(),
                rooms: vec!["domain".into()],
                outside: vec!["cxx-build".into()],
            }]
        );
    }
}
