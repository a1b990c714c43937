//! A payload, a seeder that has it, and a service that wants it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use revaer_test_support::{Payload, Seeder, SeederOptions, ServiceOptions, ServiceProcess, sha256_tree};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Nothing on loopback takes longer unless it is broken.
pub(crate) const BOUND: Duration = Duration::from_mins(1);

/// The program under test.
pub(crate) const REVAERD: &str = env!("CARGO_BIN_EXE_revaerd");

/// What a test of the service stands on.
pub(crate) struct World {
    pub(crate) payload: Payload,
    pub(crate) seeder: Seeder,
    folder: TempDir,
}

impl World {
    pub(crate) fn new(files: usize, bytes: u64) -> Self {
        Self::with(files, bytes, &SeederOptions { piece_length: Some(16 * 1024), ..SeederOptions::default() })
    }

    pub(crate) fn with(files: usize, bytes: u64, options: &SeederOptions) -> Self {
        Self::prepared(files, bytes, options, |_| {})
    }

    /// The same with a payload that something was done to before it is seeded.
    pub(crate) fn prepared(
        files: usize,
        bytes: u64,
        options: &SeederOptions,
        prepare: impl FnOnce(&Path),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let payload = Payload::create(&folder.path().join("seed"), 7, files, bytes).unwrap();
        prepare(payload.root());
        let seeder = Seeder::start(payload.root(), options).unwrap();
        Self { payload, seeder, folder }
    }

    /// A folder of the test's own, beside everything else.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The data directory of the service.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Where the service puts what it downloads.
    pub(crate) fn downloads(&self) -> PathBuf {
        self.data_dir().join("downloads")
    }

    /// The torrent's folder there.
    pub(crate) fn downloaded(&self) -> PathBuf {
        self.downloads().join(self.payload.name())
    }

    /// How the service is started: it looks for peers on loopback alone, and tells of progress often.
    pub(crate) fn options(&self) -> ServiceOptions {
        options(&self.data_dir())
    }

    /// A service that runs.
    pub(crate) async fn service(&self) -> ServiceProcess {
        ServiceProcess::start(REVAERD, self.options()).await
    }

    pub(crate) fn assert_downloaded(&self) {
        assert_same_tree(&self.downloaded(), &self.payload.sha256().unwrap());
    }
}

pub(crate) fn options(data_dir: &Path) -> ServiceOptions {
    // The seeder speaks TCP alone, and libtorrent tries uTP first: it would lose four seconds each time.
    ["--peer-listen", "127.0.0.1:0", "--utp", "false", "--progress-hertz", "10"]
        .into_iter()
        .fold(ServiceOptions::new(data_dir), ServiceOptions::argument)
}

/// The same files with the same content and no others, libtorrent's own partial pieces left out.
pub(crate) fn assert_same_tree(there: &Path, wanted: &BTreeMap<PathBuf, String>) {
    assert_eq!(&files_of(there), wanted);
}

/// What is there, libtorrent's own partial pieces left out.
pub(crate) fn files_of(there: &Path) -> BTreeMap<PathBuf, String> {
    let mut files = if there.exists() { sha256_tree(there).unwrap() } else { BTreeMap::new() };
    files.retain(|path, _| path.extension().is_none_or(|extension| extension != "parts"));
    files
}

/// Adds by magnet, with more fields; the id.
pub(crate) async fn add(service: &ServiceProcess, seeder: &Seeder, more: Value) -> String {
    let mut body = json!({ "magnet": seeder.magnet() });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    service.post_json("/v1/torrents", &body).await["id"].as_str().unwrap().to_owned()
}

/// Acts on a torrent.
pub(crate) async fn act(service: &ServiceProcess, id: &str, body: Value) -> Value {
    service.post_json(&format!("/v1/torrents/{id}/action"), &body).await
}

/// Waits for a state.
pub(crate) async fn until_state(service: &ServiceProcess, id: &str, state: &str) -> Value {
    service.wait_until(&format!("/v1/torrents/{id}"), BOUND, |torrent| torrent["state"] == state).await
}

/// Waits until the torrent has so many verified bytes.
pub(crate) async fn until_progress(service: &ServiceProcess, id: &str, part: f64) -> Value {
    let reached = |torrent: &Value| torrent["progress"].as_f64().unwrap() >= part;
    service.wait_until(&format!("/v1/torrents/{id}"), BOUND, reached).await
}

/// All kinds in a torrent's history.
pub(crate) async fn kinds(service: &ServiceProcess, id: &str) -> Vec<String> {
    let history = service.get_json(&format!("/v1/torrents/{id}/history?limit=1000")).await;
    let kind = |entry: &Value| entry["kind"].as_str().unwrap().to_owned();
    history["items"].as_array().unwrap().iter().map(kind).collect()
}

/// Waits until the history has a kind so often, and gives the newest.
pub(crate) async fn until_kind(service: &ServiceProcess, id: &str, kind: &str, times: usize) -> Value {
    let of_kind = |history: &Value| -> Vec<Value> {
        history["items"].as_array().unwrap().iter().filter(|entry| entry["kind"] == kind).cloned().collect()
    };
    let path = format!("/v1/torrents/{id}/history?limit=1000");
    let history = service.wait_until(&path, BOUND, |history| of_kind(history).len() >= times).await;
    of_kind(&history).pop().unwrap()
}
