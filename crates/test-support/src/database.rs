//! A database for one test.
//!
//! Making one takes some 30 ms, which buys that tests run in any order and side by side without knowing of each other.

use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use uuid::Uuid;

use crate::shared;

/// Enough for a service under test with its own pool beside the test's; the shared server allows 400 in all.
const CONNECTIONS_MAX: u32 = 16;

/// An empty database, dropped with this value (best effort: the server of a run is thrown away anyway).
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    url: String,
    server: PgConnectOptions,
}

impl TestDatabase {
    /// Makes an empty database on the shared server.
    pub async fn create() -> TestDatabase {
        TestDatabase::from_template("template0").await
    }

    /// A database with the same content. Nobody may be connected to this one: its pools are closed before.
    pub async fn copy(&self) -> TestDatabase {
        TestDatabase::from_template(&self.name).await
    }

    async fn from_template(template: &str) -> TestDatabase {
        let server_url = shared::url().await;
        let server = PgConnectOptions::from_str(&server_url).expect("the shared server's address parses");
        let name = format!("test_{}", Uuid::new_v4().simple());
        // A plain `CREATE DATABASE` copies template1, and refuses while anybody is connected to it.
        execute(&server, &format!("CREATE DATABASE {name} TEMPLATE {template}"))
            .await
            .expect("a database is made");
        TestDatabase { url: with_database(&server_url, &name), name, server }
    }

    /// The connection string.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The database's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How to connect, for those who build their own pool.
    pub fn connect_options(&self) -> PgConnectOptions {
        self.server.clone().database(&self.name)
    }

    /// A new pool of connections.
    pub async fn pool(&self) -> PgPool {
        let options = PgPoolOptions::new().max_connections(CONNECTIONS_MAX);
        options.connect_with(self.connect_options()).await.expect("the database accepts connections")
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // Dropping cannot await, and may happen inside a runtime that cannot block: a thread of its own can.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let statement = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            runtime.block_on(execute(&server, &statement)).map_err(std::io::Error::other)
        });
        let _ = dropping.join();
    }
}

async fn execute(server: &PgConnectOptions, statement: &str) -> Result<(), sqlx::Error> {
    let mut connection = server.connect().await?;
    sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await?;
    connection.close().await
}

/// Puts another database's name into a connection string.
fn with_database(url: &str, name: &str) -> String {
    let authority = url.find("://").map_or(0, |at| at + 3);
    let query = url.find('?').unwrap_or(url.len());
    let path = url[authority..query].find('/').map_or(query, |at| authority + at);
    format!("{}/{name}{}", &url[..path], &url[query..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn database_is_replaced_in_every_form_of_address() {
        assert_eq!(
            with_database("postgres:///revaer?host=/a/b&user=x", "t"),
            "postgres:///t?host=/a/b&user=x"
        );
        assert_eq!(with_database("postgres://u:p@localhost:5432/db", "t"), "postgres://u:p@localhost:5432/t");
        assert_eq!(with_database("postgres://localhost", "t"), "postgres://localhost/t");
    }
}
