//! Every statement of this crate, each a file of its own.
//!
//! They are plain files and not macros that ask a database at compile time; the test below asks the database instead.

macro_rules! statements {
    ($($name:ident = $file:literal;)*) => {
        $(pub(crate) const $name: &str = include_str!(concat!("sql/", $file));)*

        #[cfg(test)]
        const ALL: &[(&str, &str)] = &[$(($file, $name)),*];
    };
}

statements! {
    APPEND = "append.sql";
    APPEND_SAMPLES = "append_samples.sql";
    DROP_SAMPLE_PARTITION = "drop_sample_partition.sql";
    DUMPED_TABLES = "dumped_tables.sql";
    FIND_CLAIM = "find_claim.sql";
    FIND_COMMAND = "find_command.sql";
    FIND_MADE = "find_made.sql";
    FORGET_COMMANDS = "forget_commands.sql";
    HEAD = "head.sql";
    IS_MIGRATED = "is_migrated.sql";
    LOG_ID = "log_id.sql";
    MAKE_SAMPLE_PARTITION = "make_sample_partition.sql";
    READ_ALL = "read_all.sql";
    READ_FACTS = "read_facts.sql";
    READ_STREAM = "read_stream.sql";
    READ_STREAMS = "read_streams.sql";
    SAMPLES_FLOOR = "samples_floor.sql";
    SCHEMA_VERSION = "schema_version.sql";
    VERIFY_BOOKS = "verify_books.sql";
    VERIFY_COMMANDS = "verify_commands.sql";
    VERIFY_POSITIONS = "verify_positions.sql";
    VERIFY_TRIGGERS = "verify_triggers.sql";
    VERIFY_VERSIONS = "verify_versions.sql";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use revaer_test_support::TestDatabase;
    use sqlx::{Executor, SqlSafeStr};

    use super::ALL;

    #[tokio::test]
    async fn every_statement_prepares_against_the_migrated_schema() {
        let database = TestDatabase::create().await;
        let pool = database.pool().await;
        crate::migrate(&pool).await.unwrap();
        for (file, statement) in ALL {
            let prepared = (&pool).prepare(statement.into_sql_str()).await;
            assert!(prepared.is_ok(), "{file}: {}", prepared.err().unwrap());
        }
    }

    #[test]
    fn every_file_is_a_statement_that_is_prepared() {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/sql")).unwrap();
        let files: BTreeSet<_> =
            folder.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        let listed: BTreeSet<_> = ALL.iter().map(|(file, _)| (*file).to_owned()).collect();
        assert_eq!(files, listed);
    }
}
