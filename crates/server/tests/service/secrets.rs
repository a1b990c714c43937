//! Secrets from the first to the last: whatever is said at the most talkative level, recorded or answered, none of them is in it.

use std::fmt::Write;
use std::path::PathBuf;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use reqwest::{Method, StatusCode};
use revaer_test_support::{ServiceProcess, TestDatabase};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};

use crate::world::{BOUND, REVAERD, World, options, until_state};

/// A service that says all that it can, and a memory of all that it answered.
struct Told {
    service: ServiceProcess,
    transcript: PathBuf,
    answers: String,
    secrets: Vec<(&'static str, String)>,
}

impl Told {
    /// Notes a secret, and gives it.
    fn secret(&mut self, what: &'static str, secret: &str) -> String {
        self.secrets.push((what, secret.to_owned()));
        secret.to_owned()
    }

    /// Asks. What is answered must not have a secret in it, wherever it is kept.
    async fn ask(&mut self, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
        let (status, answer) = self.service.exchange(method, path, body).await;
        writeln!(self.answers, "{path} {status} {answer}").unwrap();
        (status, answer)
    }

    async fn patch(&mut self, body: Value) -> (StatusCode, Value) {
        self.ask(Method::PATCH, "/v1/settings", Some(&body)).await
    }

    /// Asks for a secret, which this answer may show and no other.
    async fn ask_for_secret(&mut self, what: &'static str, path: &str, body: Value, member: &str) -> Value {
        let answer = self.service.post_json(path, &body).await;
        self.secret(what, answer[member].as_str().unwrap());
        answer
    }
}

/// Every row of the tables, as text; bodies that libtorrent made are left out.
async fn everything(pool: &PgPool, except: &[&str]) -> String {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
         WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND tablename <> ALL ($1)",
    )
    .bind(except)
    .fetch_all(pool)
    .await
    .unwrap();
    let mut dump = String::new();
    for table in tables {
        let rows = AssertSqlSafe(format!("SELECT row::text FROM {table} AS row"));
        dump.extend(sqlx::query_scalar::<_, String>(rows).fetch_all(pool).await.unwrap());
    }
    dump
}

/// One token is replaced, a wrong one is tried, the last is exchanged for the first key.
async fn set_up(told: &mut Told) {
    told.ask_for_secret("a replaced token", "/v1/setup/start", json!({}), "token").await;
    let started = told.ask_for_secret("the token", "/v1/setup/start", json!({}), "token").await;
    let wrong = told.secret("a wrong token", "rvs_wrong-token-of-somebody");
    let complete = |token: &Value| json!({"token": token, "instance_name": "home", "key_label": "first"});
    let (status, _) = told.ask(Method::POST, "/v1/setup/complete", Some(&complete(&json!(wrong)))).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let first = complete(&started["token"]);
    let first = told.ask_for_secret("the first key", "/v1/setup/complete", first, "secret").await;
    told.service.show_key(first["secret"].as_str().unwrap());
}

/// Keys are issued, used wrongly, rotated and revoked; a ticket opens a stream.
async fn use_keys(told: &mut Told) {
    let issue = json!({"label": "ops", "scope": "read"});
    let issued = told.ask_for_secret("a key", "/v1/api-keys", issue, "secret").await;
    let rotate = format!("/v1/api-keys/{}/rotate", issued["id"].as_str().unwrap());
    told.ask_for_secret("a rotated key", &rotate, json!({"grace_seconds": 0}), "secret").await;
    let guess = format!("rvk_{}_guess-of-somebody", issued["id"].as_str().unwrap());
    let guess = told.secret("a guess", &guess);
    let refused = told.service.client().get(told.service.url("/v1/torrents")).bearer_auth(guess);
    assert_eq!(refused.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    told.ask(Method::DELETE, rotate.trim_end_matches("/rotate"), None).await;
    let ticket = told.ask_for_secret("a ticket", "/v1/events/tickets", json!({}), "ticket").await;
    let stream = format!("/v1/events?after=0&ticket={}", ticket["ticket"].as_str().unwrap());
    let stream = reqwest::Client::builder().no_proxy().build().unwrap().get(told.service.url(&stream));
    assert_eq!(stream.send().await.unwrap().status(), StatusCode::OK);
}

/// Settings are changed, replaced, refused and taken back.
async fn change_settings(told: &mut Told) {
    let proxy = |password: &str| json!({"engine": {"proxy": {"username": "me", "password": password}}});
    for what in ["the-first-proxy-password", "the-second-proxy-password"] {
        let password = told.secret("a proxy's password", what);
        assert_eq!(told.patch(proxy(&password)).await.0, StatusCode::OK);
    }
    let archive = told.secret("an archive's password", "archive-open-sesame");
    let (status, changed) = told.patch(json!({"fsops": {"archive_passwords": [archive]}})).await;
    assert_eq!(status, StatusCode::OK, "{changed}");
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let pem = signing_key.serialize_pem();
    told.secret("the certificate's key", pem.lines().nth(1).unwrap());
    let (status, _) = told.patch(json!({"http": {"tls": {"certificate": cert.pem(), "key": pem}}})).await;
    assert_eq!(status, StatusCode::OK);
    for refused in [
        json!({"engine": {"proxy": {"password": ["hidden-in-a-list"]}}}),
        json!({"engine": {"proxy": {"password": {"fingerprint": "hidden-in-an-object"}}}}),
        json!({"engine": {"proxy": {"password": "hidden-by-another-fault"}, "dht": 7}}),
        json!({"fsops": {"archive_passwords": ["x".repeat(5000) + "hidden-by-its-length"]}}),
        json!({"http": {"tls": {"key": "hidden-in-no-key"}}}),
    ] {
        assert_eq!(told.patch(refused.clone()).await.0, StatusCode::UNPROCESSABLE_ENTITY, "{refused}");
    }
    for hidden in [
        "hidden-in-a-list",
        "hidden-in-an-object",
        "hidden-by-another-fault",
        "hidden-by-its-length",
        "hidden-in-no-key",
    ] {
        told.secret("a refused secret", hidden);
    }
    let revert = json!({"position": changed["position"]});
    assert_eq!(told.ask(Method::POST, "/v1/settings/revert", Some(&revert)).await.0, StatusCode::OK);
}

/// A member's keys for trackers that do not answer: in a magnet, and beside it.
async fn add_private_torrent(told: &mut Told, world: &World) -> String {
    let passkey = told.secret("a passkey in a magnet", "5ca1ab1e0123456789abcdef5ca1ab1e");
    let second = told.secret("a passkey in a path", "cafebabe0123456789abcdefcafebabe");
    let magnet =
        format!("{}&tr=http%3A%2F%2F127.0.0.1%3A1%2Fannounce%3Fpasskey%3D{passkey}", world.seeder.magnet());
    let trackers =
        [format!("http://127.0.0.1:1/{second}/announce"), "http://127.0.0.1:1/announce".to_owned()];
    let add = json!({"magnet": magnet, "trackers": trackers});
    let (status, added) = told.ask(Method::POST, "/v1/torrents", Some(&add)).await;
    assert_eq!(status, StatusCode::CREATED, "{added}");
    let id = added["id"].as_str().unwrap().to_owned();
    until_state(&told.service, &id, "seeding").await;
    let seen = format!("/v1/torrents/{id}/trackers");
    let all_are_seen = |seen: &Value| seen["items"].as_array().is_some_and(|items| items.len() >= 3);
    told.service.wait_until(&seen, BOUND, all_are_seen).await;
    let announce = json!({"action": "reannounce"});
    told.ask(Method::POST, &format!("/v1/torrents/{id}/action"), Some(&announce)).await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_recorded_logged_or_answered() {
    let (world, database) = (World::new(1, 50_000), TestDatabase::create().await);
    let transcript = world.data_dir().with_file_name("transcript");
    let options = options(&world.data_dir()).database_url(database.url()).without_setup();
    let options = options.variable("RUST_LOG", "trace").transcript(&transcript);
    let service = ServiceProcess::start(REVAERD, options).await;
    let mut told = Told { service, transcript, answers: String::new(), secrets: Vec::new() };

    set_up(&mut told).await;
    use_keys(&mut told).await;
    change_settings(&mut told).await;
    let id = add_private_torrent(&mut told, &world).await;
    let seen = format!("/v1/torrents/{id}/trackers");
    for path in [
        "/v1/settings",
        "/v1/settings/history?limit=1000",
        "/v1/audit?limit=1000",
        "/v1/api-keys",
        "/health/full",
        "/v1/torrents",
        &format!("/v1/torrents/{id}"),
        &format!("/v1/torrents/{id}/history?limit=1000"),
        &seen,
    ] {
        assert_eq!(told.ask(Method::GET, path, None).await.0, StatusCode::OK, "{path}");
    }
    let pool = database.pool().await;
    // What libtorrent needs whole is kept as it makes it, and nobody is shown it.
    let rows = everything(&pool, &["metainfo", "resume_data"]).await;
    assert!(rows.contains("settings.changed") && rows.contains("api_key.rotated"), "the tables are read");
    told.service.terminate().await;
    let said = std::fs::read_to_string(&told.transcript).unwrap();
    assert!(said.contains("TRACE") && said.contains("DEBUG sqlx"), "all is said");
    for (what, secret) in &told.secrets {
        // What a key or a token begins with is no secret.
        let random = secret
            .strip_prefix("rvk_")
            .map_or(secret.as_str(), |secret| &secret[secret.len().saturating_sub(16)..]);
        for (place, text) in [("log", &said), ("database", &rows), ("answers", &told.answers)] {
            let found = text.find(random).map(|at| {
                let around = at.saturating_sub(300)..(at + 100).min(text.len());
                text.get(around).unwrap_or(random).to_owned()
            });
            assert_eq!(found, None, "{what} is in the {place}");
        }
    }
}
