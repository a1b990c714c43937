//! Every statement that is a file is one that the migrated schema takes.

use std::collections::BTreeSet;

use sqlx::{Executor, SqlSafeStr};

use crate::support::World;

const ALL: [(&str, &str); 7] = [
    ("mark_secrets.sql", include_str!("../../src/sql/mark_secrets.sql")),
    ("put_announce_url.sql", include_str!("../../src/sql/put_announce_url.sql")),
    ("put_key_uses.sql", include_str!("../../src/sql/put_key_uses.sql")),
    ("put_resume_data.sql", include_str!("../../src/sql/put_resume_data.sql")),
    ("put_secret.sql", include_str!("../../src/sql/put_secret.sql")),
    ("put_session_state.sql", include_str!("../../src/sql/put_session_state.sql")),
    ("sweep_announce_urls.sql", include_str!("../../src/sql/sweep_announce_urls.sql")),
];

#[tokio::test]
async fn every_statement_prepares_against_the_migrated_schema() {
    let world = World::new().await;
    for (file, statement) in ALL {
        let prepared = (&world.pool).prepare(statement.into_sql_str()).await;
        assert!(prepared.is_ok(), "{file}: {}", prepared.err().unwrap());
    }
}

#[test]
fn no_statement_is_left_out() {
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/sql")).unwrap();
    let files: BTreeSet<_> = folder.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(files, ALL.iter().map(|(file, _)| (*file).to_owned()).collect());
}
