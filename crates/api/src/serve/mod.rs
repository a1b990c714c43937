//! Serves the connections of a listener, within bounds that no client can widen.
//!
//! The framework's own server knows neither how long headers may take nor how many connections there are, and does not let go of
//! a client that stops to read. HTTP/1.1 alone is spoken: with many requests on one connection, as in HTTP/2, a bound on
//! connections would bound nothing.

mod admission;
mod connection;
mod tls;
mod watched;

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use poem::Response;
use poem::endpoint::BoxEndpoint;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::admission::Admission;
use self::connection::Connection;
pub use self::tls::{BadCertificate, Certificate, Tls};
use crate::metrics::Counted;
use crate::{Access, Limits, Metrics};

/// How long nobody is accepted after the system refused: it is out of descriptors or of memory, and asking at once would not
/// give it any.
const REFUSED_PAUSE: Duration = Duration::from_millis(100);

/// Serves one listener.
pub struct Server {
    /// Where clients come in.
    pub listener: TcpListener,
    /// What they ask.
    pub service: BoxEndpoint<'static, Response>,
    /// The bounds; connections that are there keep those that they began with.
    pub limits: watch::Receiver<Arc<Limits>>,
    /// Who may ask through whom.
    pub access: watch::Receiver<Arc<Access>>,
    /// Whether TLS is spoken; connections that are there keep what they began with.
    pub tls: watch::Receiver<Tls>,
    /// What it counts of itself.
    pub metrics: Metrics,
}

impl Server {
    /// Runs until shutdown; requests may then finish for as long as `end`.
    pub async fn run(self, shutdown: CancellationToken, end: Duration) {
        let admission = Admission::default();
        let service = Arc::new(self.service);
        let connections = TaskTracker::new();
        // A child: what is cut off here ends nothing outside.
        let cut = CancellationToken::new();
        loop {
            let accepted = tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                accepted = accept(&self.listener) => accepted,
            };
            let Some((socket, peer)) = accepted else { continue };
            let limits = Arc::clone(&self.limits.borrow());
            let access = Arc::clone(&self.access.borrow());
            let Some(place) = admission.admit(peer.ip(), &limits, &access) else {
                self.metrics.connections_refused.inc();
                tracing::debug!(%peer, "a connection too many is closed");
                continue;
            };
            let connection = Connection {
                socket,
                peer,
                service: Arc::clone(&service),
                limits,
                tls: self.tls.borrow().clone(),
                shutdown: shutdown.clone(),
                place,
                counted: Counted::by(&self.metrics.connections),
            };
            connections.spawn(cut.clone().run_until_cancelled_owned(connection.run()));
        }
        drop(self.listener);
        connections.close();
        if tokio::time::timeout(end, connections.wait()).await.is_err() {
            tracing::warn!(connections = connections.len(), "connections do not end and are cut off");
            cut.cancel();
            connections.wait().await;
        }
    }
}

/// The next client; `None` for one that is gone again.
async fn accept(listener: &TcpListener) -> Option<(TcpStream, SocketAddr)> {
    match listener.accept().await {
        Ok((socket, peer)) => Some((socket, SocketAddr::new(peer.ip().to_canonical(), peer.port()))),
        Err(error) if went_away(&error) => None,
        Err(error) => {
            tracing::warn!(%error, "the system refuses to accept connections");
            tokio::time::sleep(REFUSED_PAUSE).await;
            None
        }
    }
}

fn went_away(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted)
}
