//! HTTPS by the settings alone: a certificate in files or in the settings, judged before it is set, replaced while it serves.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use reqwest::{Client, Method, StatusCode};
use revaer_test_support::ServiceProcess;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::world::{BOUND, REVAERD, options};

const SETTINGS: &str = "/v1/settings";

/// A certificate of `localhost`, its own authority.
struct Made {
    chain: String,
    key: String,
}

/// Where certificate and key lie.
struct Files {
    folder: TempDir,
}

fn make() -> Made {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    Made { chain: cert.pem(), key: signing_key.serialize_pem() }
}

impl Made {
    /// Asks over TLS, as a client that trusts this certificate and no other.
    async fn ask(&self, service: &ServiceProcess) -> reqwest::Result<String> {
        let address: SocketAddr = service.base_url().trim_start_matches("http://").parse().unwrap();
        let root = reqwest::Certificate::from_pem(self.chain.as_bytes()).unwrap();
        let client = Client::builder().no_proxy().tls_built_in_root_certs(false).add_root_certificate(root);
        let client = client.resolve("localhost", address).build().unwrap();
        let answer = client.get(format!("https://localhost:{}/health", address.port())).send().await?;
        answer.error_for_status()?.text().await
    }

    /// Waits until it is shown: an answer to a change of settings does not wait for that.
    async fn until_shown(&self, service: &ServiceProcess) {
        let deadline = Instant::now() + BOUND;
        while let Err(error) = self.ask(service).await {
            assert!(Instant::now() < deadline, "{error:?}\n{}", service.said());
            sleep(std::time::Duration::from_millis(25)).await;
        }
    }
}

impl Files {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces a file as programs that renew certificates do.
    fn put(&self, name: &str, text: &str) {
        let new = tempfile::NamedTempFile::new_in(self.folder.path()).unwrap();
        std::fs::write(new.path(), text).unwrap();
        new.persist(self.at(name)).unwrap();
    }

    fn settings(&self) -> Value {
        tls(&json!({"certificate_file": self.at("chain.pem"), "key_file": self.at("key.pem")}))
    }
}

fn tls(tls: &Value) -> Value {
    json!({"http": {"tls": tls}})
}

async fn service(data: &Path) -> ServiceProcess {
    ServiceProcess::start(REVAERD, options(data)).await
}

async fn patch(service: &ServiceProcess, body: &Value) -> (StatusCode, Value) {
    service.exchange(Method::PATCH, SETTINGS, Some(body)).await
}

/// Refused, at a place, with these words, and nothing is changed by it.
async fn assert_refused(service: &ServiceProcess, body: &Value, pointer: &str, words: &str) {
    let before = service.get_json(SETTINGS).await;
    for uri in ["/v1/settings?dry_run=true", SETTINGS] {
        let (status, problem) = service.exchange(Method::PATCH, uri, Some(body)).await;
        let fault = &problem["errors"][0];
        assert_eq!(
            (status, &fault["pointer"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(pointer)),
            "{problem}"
        );
        assert!(fault["detail"].as_str().unwrap().contains(words), "{problem}");
    }
    assert_eq!(service.get_json(SETTINGS).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn certificate_in_files_is_judged_shown_and_read_again_when_it_is_replaced() {
    let (folder, files) = (tempfile::tempdir().unwrap(), Files::new());
    let (old, new) = (make(), make());
    let mut service = service(folder.path()).await;

    assert_refused(&service, &files.settings(), "/http/tls/certificate_file", "cannot be read").await;
    files.put("chain.pem", &old.chain);
    assert_refused(&service, &files.settings(), "/http/tls/key_file", "cannot be read").await;
    files.put("key.pem", &new.key);
    assert_refused(&service, &files.settings(), "/http/tls/certificate_file", "do not go together").await;

    files.put("key.pem", &old.key);
    let (status, changed) = patch(&service, &files.settings()).await;
    assert_eq!((status, &changed["restart_required"]), (StatusCode::OK, &json!([])), "{changed}");
    old.until_shown(&service).await;

    files.put("chain.pem", &new.chain);
    files.put("key.pem", &new.key);
    new.until_shown(&service).await;
    assert!(old.ask(&service).await.is_err(), "the old one is shown no more");

    files.put("key.pem", "no key");
    let is_degraded = |report: &Value| report["status"] == "degraded";
    let report = service.wait_until("/health/full", BOUND, is_degraded).await;
    let components = report["components"].as_array().unwrap();
    let part = components.iter().find(|part| part["component"] == "http.tls").unwrap();
    assert!(part["reason"].as_str().unwrap().contains("private key"), "{part}");
    new.ask(&service).await.expect("the certificate from before is shown");
    // Something else may be changed meanwhile.
    assert_eq!(patch(&service, &json!({"http": {"connections_max": 99}})).await.0, StatusCode::OK);

    files.put("key.pem", &new.key);
    service.wait_until("/health/full", BOUND, |report| report["status"] == "well").await;
    service.restart().await;
    new.until_shown(&service).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificate_in_the_settings_is_judged_shown_and_taken_back() {
    let (folder, files) = (tempfile::tempdir().unwrap(), Files::new());
    let (first, second) = (make(), make());
    let inline = |made: &Made| tls(&json!({"certificate": made.chain, "key": made.key}));
    let mut service = service(folder.path()).await;

    let mixed = tls(&json!({"certificate": first.chain, "key": second.key}));
    assert_refused(&service, &mixed, "/http/tls/certificate", "do not go together").await;
    let (status, changed) = patch(&service, &inline(&first)).await;
    assert_eq!(status, StatusCode::OK, "{changed}");
    assert!(changed["settings"]["http"]["tls"]["key"]["fingerprint"].is_string(), "{changed}");
    first.until_shown(&service).await;
    let (_, replaced) = patch(&service, &inline(&second)).await;
    second.until_shown(&service).await;
    service.restart().await;
    second.until_shown(&service).await;

    let revert = json!({"position": replaced["position"]});
    service.post_json("/v1/settings/revert", &revert).await;
    first.until_shown(&service).await;

    // What lies in files by now is judged when it is brought back, too.
    files.put("chain.pem", &first.chain);
    files.put("key.pem", &first.key);
    let mut moved = files.settings();
    moved["http"]["tls"]["certificate"] = Value::Null;
    moved["http"]["tls"]["key"] = Value::Null;
    let (status, moved) = patch(&service, &moved).await;
    assert_eq!(status, StatusCode::OK, "{moved}");
    let (_, off) = patch(&service, &tls(&Value::Null)).await;
    files.put("key.pem", "no key");
    let revert = json!({"position": off["position"]});
    let (status, problem) = service.exchange(Method::POST, "/v1/settings/revert", Some(&revert)).await;
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("settings_conflict")), "{problem}");
    assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("private key"), "{problem}");
}
