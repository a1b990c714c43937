//! How the libraries are, looked at at an interval and told to the health registry.
//!
//! A disk beyond a network may not answer at all. One look is under way at a time, on a thread that may hang; while it hangs
//! health says so, and nothing else waits for it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use revaer_application::{Application, SystemStream};
use revaer_domain::health::HealthState;
use revaer_domain::roots::{RootEvent, RootMarked};
use revaer_domain::settings::FsopsSettings;
use revaer_domain::torrent::Lifecycle;
use revaer_event_log::StreamId;
use revaer_event_schema::{Decoded, Metadata, decode, encode_root};
use revaer_fsops::{Identity, Plan};
use tokio::task::JoinHandle;

use super::libraries::{Findings, Libraries};

/// The part of the service that health knows this as.
const COMPONENT: &str = "fsops";
/// The stream of the roots' facts.
const STREAM: &str = "roots";
/// Roots that are read at once; the settings allow 64.
const PAGE: u32 = 1000;

/// What an unfinished job in a library is to this log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// Of a torrent that is here.
    Ours,
    /// Of a torrent that was removed.
    Gone,
    /// Of a torrent that this log has never had.
    Unknown,
}

/// What jobs depend on besides the log.
pub(super) struct Surroundings {
    application: Application,
    stream: SystemStream,
    pub(super) libraries: Libraries,
    looking: Option<JoinHandle<Findings>>,
    /// Whose each unfinished job is, by its name: asked once.
    known: BTreeMap<String, Whose>,
    has_profiles: bool,
    was_told: bool,
}

impl Surroundings {
    pub(super) fn new(application: Application, download_root: PathBuf, search_path: OsString) -> Self {
        let stream = SystemStream::new(application.log().clone(), STREAM);
        let libraries = Libraries { download_root, search_path, ..Libraries::default() };
        let known = BTreeMap::new();
        Self { application, stream, libraries, looking: None, known, has_profiles: false, was_told: false }
    }

    /// Takes other settings over.
    pub(super) fn follow(&mut self, settings: &FsopsSettings) {
        self.libraries.with_settings(settings);
        self.has_profiles = !settings.profiles.is_empty();
    }

    /// Reads by what the roots are known.
    pub(super) async fn recall(&mut self) -> Result<(), revaer_event_log::ReadError> {
        let stream = StreamId::new(STREAM).expect("a literal of this workspace");
        let mut after = 0;
        loop {
            let facts = self.application.log().read_stream(&stream, after, PAGE).await?;
            let Some(last) = facts.last() else { return Ok(()) };
            after = last.version;
            for fact in &facts {
                if let Ok(Decoded::Root(RootEvent::Marked(marked))) = decode(fact) {
                    // The device counts for nothing where there is a marker.
                    let identity = Identity { marker: Some(marked.marker), device: 0 };
                    self.libraries.identities.insert(PathBuf::from(marked.root), identity);
                }
            }
        }
    }

    /// Looks at everything, unless the last look has not come back.
    pub(super) fn look(&mut self) {
        if self.looking.is_some() {
            if self.has_profiles {
                self.tell(&["the libraries do not answer".to_owned()]);
            }
            return;
        }
        let libraries = self.libraries.clone();
        let marker = format!("revaer {}", self.application.clock().ulid());
        self.looking = Some(tokio::task::spawn_blocking(move || libraries.probe(&marker)));
    }

    /// What was found; never, while nobody looks. May be cancelled.
    pub(super) async fn found(&mut self) -> Findings {
        let found = match &mut self.looking {
            Some(looking) => looking.await,
            None => std::future::pending().await,
        };
        self.looking = None;
        found.unwrap_or_default()
    }

    /// Remembers what was found, and tells health, with what jobs complain of.
    pub(super) async fn take(&mut self, findings: &mut Findings, more: impl Iterator<Item = String>) {
        for (root, identity) in std::mem::take(&mut findings.identified) {
            self.remember(root, identity).await;
        }
        let mut complaints = std::mem::take(&mut findings.complaints);
        complaints.extend(more);
        for plan in std::mem::take(&mut findings.unfinished) {
            complaints.extend(self.about(plan).await);
        }
        self.tell(&complaints);
    }

    async fn remember(&mut self, root: PathBuf, identity: Identity) {
        if let Some(marker) = identity.marker.clone() {
            let marked = RootMarked { root: root.to_string_lossy().into_owned(), marker };
            let fact = encode_root(&RootEvent::Marked(marked), &Metadata::of_system("system:fsops", "roots"));
            if let Err(error) = self.stream.append(fact).await {
                // It has its marker, and is looked at again.
                tracing::warn!(%error, root = %root.display(), "by what a root is known waits for the log");
                return;
            }
        }
        self.libraries.identities.insert(root, identity);
    }

    /// What there is to say of an unfinished job: nothing, while its torrent is here.
    async fn about(&mut self, plan: Plan) -> Option<String> {
        let name = plan.job.as_str().to_owned();
        let whose = match self.known.get(&name) {
            Some(whose) => *whose,
            None => self.whose(&plan.torrent).await?,
        };
        self.known.insert(name.clone(), whose);
        let library = plan.library.clone();
        match whose {
            Whose::Ours => None,
            Whose::Unknown => Some(format!(
                "the library `{}` has the unfinished job {name} of a torrent that this log does not know",
                library.display()
            )),
            Whose::Gone => {
                let libraries = self.libraries.clone();
                let cleared = tokio::task::spawn_blocking(move || libraries.clear_away(plan)).await;
                match cleared {
                    Ok(Ok(())) => {
                        tracing::info!(job = name, "what a job of a removed torrent left is cleared away");
                    }
                    Ok(Err(error)) => {
                        tracing::warn!(job = name, %error, "a job of a removed torrent left something");
                    }
                    Err(error) => {
                        tracing::warn!(job = name, %error, "a job of a removed torrent left something");
                    }
                }
                None
            }
        }
    }

    async fn whose(&self, torrent: &str) -> Option<Whose> {
        let Ok(id) = torrent.parse() else { return Some(Whose::Unknown) };
        match self.application.torrent(id).await.ok()? {
            None => Some(Whose::Unknown),
            Some((torrent, ..)) if torrent.lifecycle == Lifecycle::Removed => Some(Whose::Gone),
            Some(_) => Some(Whose::Ours),
        }
    }

    fn tell(&mut self, complaints: &[String]) {
        let registry = self.application.health();
        if !complaints.is_empty() {
            self.was_told = true;
            registry.set(COMPONENT, HealthState::Degraded, complaints.join("; "));
        } else if self.has_profiles || self.was_told {
            self.was_told = true;
            registry.set(COMPONENT, HealthState::Well, "");
        }
    }
}
