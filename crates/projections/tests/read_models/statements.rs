//! Every statement that is a file is one that the live generations take.

use std::collections::BTreeSet;
use std::path::Path;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqlSafeStr};

use crate::common::World;

/// Run as they are when generations are made; each test here does that.
const SCHEMAS: [&str; 2] = ["schema.sql", "indexes.sql"];

fn files(folder: &Path) -> BTreeSet<std::path::PathBuf> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path);
        }
    }
    found
}

#[tokio::test]
async fn every_statement_prepares_against_the_live_generations() {
    let world = World::new().await;
    let (_projections, _) = world.project().await;
    let mut connection = PgConnection::connect_with(&world.log.pool().connect_options()).await.unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../projections");
    let mut prepared = 0;
    for file in files(&root) {
        let name = file.file_name().unwrap().to_str().unwrap();
        if SCHEMAS.contains(&name) {
            continue;
        }
        // A folder is a read model, whose statements run in its schema; those of the live counters run among the torrents.
        let folder = file.parent().unwrap().file_name().unwrap().to_str().unwrap();
        let schema = if folder == "live" { "torrents" } else { folder };
        sqlx::query("SELECT set_config('search_path', $1, false)")
            .bind(schema)
            .execute(&mut connection)
            .await
            .unwrap();
        let statement = AssertSqlSafe(std::fs::read_to_string(&file).unwrap());
        let answer = (&mut connection).prepare(statement.into_sql_str()).await;
        assert!(answer.is_ok(), "{}: {}", file.display(), answer.err().unwrap());
        prepared += 1;
    }
    assert!(prepared >= 8, "{prepared}");
}
