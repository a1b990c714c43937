//! What the settings say to the HTTP edge: its bounds, whom it trusts, and its certificate. All of it is changed while it serves.

mod certificate;
mod files;

use std::sync::Arc;
use std::time::Duration;

use revaer_api::{Access, Limits, Tls};
use revaer_application::{Application, CommandError, Section};
use revaer_domain::api_key::RequestLimit;
use revaer_domain::health::HealthState;
use revaer_domain::settings::{HttpSettings, TlsSettings};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

pub(crate) use self::certificate::EdgeJudge;
use self::certificate::{Source, Unusable};
use self::files::FileWatch;

/// The part of the health that the certificate is.
const COMPONENT: &str = "http.tls";
/// Certificate and key are two files and seldom replaced in one moment: they are read when nothing has moved for so long.
const SETTLED: Duration = Duration::from_millis(200);
/// The pause before a private key that lies in the database is asked for again.
const PAUSE: Duration = Duration::from_secs(5);

/// What the edge goes by.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) limits: watch::Receiver<Arc<Limits>>,
    pub(crate) access: watch::Receiver<Arc<Access>>,
    pub(crate) tls: watch::Receiver<Tls>,
}

/// Follows the settings and the files that they name.
pub(crate) struct TermsFollower {
    application: Application,
    settings: Section<HttpSettings>,
    limits: watch::Sender<Arc<Limits>>,
    access: watch::Sender<Arc<Access>>,
    tls: watch::Sender<Tls>,
}

impl TermsFollower {
    /// Takes the settings over as they are now, so that the first client finds them.
    pub(crate) async fn begin(application: Application) -> (Terms, Self) {
        let settings = application.settings().section(|settings| &settings.http);
        let (limits, watch_limits) = watch::channel(Arc::default());
        let (access, watch_access) = watch::channel(Arc::default());
        let (tls, watch_tls) = watch::channel(Tls::Off);
        let follower = Self { application, settings, limits, access, tls };
        follower.apply().await;
        (Terms { limits: watch_limits, access: watch_access, tls: watch_tls }, follower)
    }

    /// Follows until shutdown.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        shutdown.run_until_cancelled(self.follow()).await;
    }

    async fn follow(&mut self) {
        loop {
            // Watched before they are read: what changes in between is read again.
            let mut files = self.watch_files();
            let again = self.apply().await;
            tokio::select! {
                _ = self.settings.changed() => {}
                () = changed(&mut files) => {}
                () = tokio::time::sleep(PAUSE), if again == Again::Soon => {}
            }
        }
    }

    fn watch_files(&self) -> Option<FileWatch> {
        let Source::Files { certificate, key } = Source::of(&self.settings.seen().tls) else { return None };
        let watch = FileWatch::of(&[certificate.as_path(), key.as_path()]);
        let warn = |error| tracing::warn!(%error, "the certificate's files are not watched: a new one needs a change of settings");
        watch.map_err(warn).ok()
    }

    async fn apply(&self) -> Again {
        let http = self.settings.seen();
        self.limits.send_replace(Arc::new(limits(http)));
        self.access.send_replace(Arc::new(access(http)));
        let health = self.application.health();
        let Ok(key) = self.private_key(&http.tls).await else {
            self.keep_old(&Unusable::Secret);
            return Again::Soon;
        };
        match Source::of(&http.tls).load(key.as_deref().map(String::as_str)).await {
            Ok(None) => {
                if !matches!(*self.tls.borrow(), Tls::Off) {
                    health.set(COMPONENT, HealthState::Well, "");
                }
                self.tls.send_replace(Tls::Off);
            }
            Ok(Some(certificate)) => {
                self.tls.send_replace(Tls::On(certificate));
                health.set(COMPONENT, HealthState::Well, "");
            }
            Err(error) => self.keep_old(&error),
        }
        Again::WhenSomethingChanges
    }

    /// The private key among the secrets of the settings; an error while the database is away.
    async fn private_key(&self, tls: &TlsSettings) -> Result<Option<Zeroizing<String>>, CommandError> {
        match tls.key {
            None => Ok(None),
            Some(of) => self.application.secret(of).await,
        }
    }

    fn keep_old(&self, error: &Unusable) {
        let (health, error) = (self.application.health(), error.reason());
        if matches!(*self.tls.borrow(), Tls::On(_)) {
            let reason = format!("{error}; the certificate from before is shown");
            tracing::warn!(reason, "the certificate is not replaced");
            health.set(COMPONENT, HealthState::Degraded, reason);
        } else {
            let reason = format!("{error}; only this machine is served");
            tracing::error!(reason, "there is no certificate");
            self.tls.send_replace(Tls::Unusable);
            health.set(COMPONENT, HealthState::Failed, reason);
        }
    }
}

/// When the certificate is read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Again {
    WhenSomethingChanges,
    /// It could not be read, and nothing will tell when it can be.
    Soon,
}

/// Waits until a file changed and then nothing for a moment.
async fn changed(files: &mut Option<FileWatch>) {
    let Some(files) = files else { return std::future::pending().await };
    files.changed().await;
    while tokio::time::timeout(SETTLED, files.changed()).await.is_ok() {}
}

fn limits(http: &HttpSettings) -> Limits {
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let request_timeout = Duration::from_secs(http.request_timeout_seconds.into());
    Limits {
        metainfo_bytes_max: usize::try_from(http.metainfo_bytes_max).unwrap_or(usize::MAX),
        request_timeout,
        // What is left is for the answer, which says that the body came too slowly.
        body_timeout: request_timeout * 2 / 3,
        header_timeout: Duration::from_secs(http.header_timeout_seconds.into()),
        ticket_lifetime: Duration::from_secs(http.stream_ticket_seconds.into()),
        connections_max: count(http.connections_max),
        sse_clients_max: count(http.event_streams_max),
        key_rate: rate(http.rate_limit.requests_per_second, http.rate_limit.burst),
        anonymous_rate: rate(
            http.unauthenticated_rate_limit.requests_per_second,
            http.unauthenticated_rate_limit.burst,
        ),
        setup_token_validity: Duration::from_secs(http.setup_token_seconds.into()),
        rotation_grace: Duration::from_secs(http.key_rotation_grace_seconds.into()),
        ..Limits::default()
    }
}

/// The rules of the settings let nothing through that is out of range.
fn rate(requests_per_second: u32, burst: u32) -> RequestLimit {
    RequestLimit::new(requests_per_second, burst).expect("the ranges of the settings are those of a limit")
}

fn access(http: &HttpSettings) -> Access {
    // The rules of the settings let nothing through that is no network; a bare address is a network of one.
    let network =
        |text: &String| text.parse().or_else(|_| text.parse::<std::net::IpAddr>().map(Into::into)).ok();
    Access {
        cors_origins: http.cors_origins.clone(),
        trusted_proxies: http.trusted_proxies.iter().filter_map(network).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_becomes_a_bound_and_defaults_are_those_of_the_edge() {
        let http = HttpSettings {
            request_timeout_seconds: 60,
            header_timeout_seconds: 3,
            connections_max: 9,
            event_streams_max: 7,
            metainfo_bytes_max: 128 << 20,
            ..HttpSettings::default()
        };
        let limits = limits(&http);
        assert_eq!((limits.request_timeout.as_secs(), limits.body_timeout.as_secs()), (60, 40));
        assert_eq!((limits.header_timeout.as_secs(), limits.connections_max), (3, 9));
        assert_eq!((limits.sse_clients_max, limits.metainfo_bytes_max), (7, 128 << 20));
        let default = super::limits(&HttpSettings::default());
        assert_eq!(default.metainfo_bytes_max, Limits::default().metainfo_bytes_max);
        assert_eq!(default.request_timeout, Limits::default().request_timeout);
        assert_eq!(default.key_rate, Limits::default().key_rate);
        assert_eq!(default.anonymous_rate, Limits::default().anonymous_rate);
        assert_eq!(default.setup_token_validity, Limits::default().setup_token_validity);
        assert_eq!(default.rotation_grace, Limits::default().rotation_grace);
    }

    #[test]
    fn proxy_may_be_an_address_or_a_network() {
        let proxies = ["10.0.0.0/8", "192.0.2.1", "::1"].map(str::to_owned).to_vec();
        let access = access(&HttpSettings { trusted_proxies: proxies, ..HttpSettings::default() });
        assert_eq!(access.trusted_proxies.len(), 3);
        assert!(access.trusted_proxies[1].contains(&"192.0.2.1".parse::<std::net::IpAddr>().unwrap()));
        assert!(!access.trusted_proxies[1].contains(&"192.0.2.2".parse::<std::net::IpAddr>().unwrap()));
    }
}
