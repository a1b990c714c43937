//! Tells whoever supervises the process that it serves, that it ends, and that it lives: the protocol of `sd_notify(3)`, which is a
//! datagram to a socket that the environment names.
//!
//! Nothing depends on it. Without the variable nobody is told, and a supervisor that is gone is no reason to end.

use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

/// The supervisor, if there is one. A cheap clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Supervisor {
    socket: Option<Arc<UnixDatagram>>,
    /// How often it wants to hear that the process lives.
    watchdog: Option<Duration>,
}

impl Supervisor {
    /// The one at a socket; `watchdog_usec` is how long it waits for a sign of life, in microseconds.
    pub(crate) fn at(socket: &OsStr, watchdog_usec: &str) -> Self {
        let address = match socket.as_bytes().split_first() {
            None => return Self::default(),
            Some((b'@', name)) => SocketAddr::from_abstract_name(name),
            Some(_) => SocketAddr::from_pathname(socket),
        };
        let connected = address.and_then(|address| {
            let socket = UnixDatagram::unbound()?;
            socket.connect_addr(&address)?;
            // A supervisor that does not read must not hold the service up.
            socket.set_nonblocking(true)?;
            Ok(Arc::new(socket))
        });
        let socket =
            connected.inspect_err(|error| tracing::warn!(%error, "the supervisor cannot be told")).ok();
        // Twice in the time, as sd_watchdog_enabled(3) advises.
        let watchdog = watchdog_usec.parse().ok().map(|microseconds| Duration::from_micros(microseconds) / 2);
        Self { socket, watchdog: watchdog.filter(|every| !every.is_zero()) }
    }

    /// It serves.
    pub(crate) fn ready(&self) {
        self.tell("READY=1");
    }

    /// It ends, which may take its time.
    pub(crate) fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// Says that it lives, for as long as the runtime runs tasks. It never ends by itself.
    pub(crate) async fn keep_telling(&self) {
        let Some(every) = self.watchdog else { return std::future::pending().await };
        let mut ticks = tokio::time::interval(every);
        loop {
            ticks.tick().await;
            self.tell("WATCHDOG=1");
        }
    }

    fn tell(&self, what: &str) {
        if let Some(socket) = &self.socket
            && let Err(error) = socket.send(what.as_bytes())
        {
            tracing::debug!(%error, what, "the supervisor is not told");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(socket: &UnixDatagram) -> String {
        let mut told = [0; 64];
        let length = socket.recv(&mut told).unwrap();
        String::from_utf8(told[..length].to_vec()).unwrap()
    }

    #[tokio::test]
    async fn supervisor_hears_when_it_serves_that_it_lives_and_when_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let supervisor = Supervisor::at(path.as_os_str(), "2000");
        supervisor.ready();
        assert_eq!(hear(&socket), "READY=1");
        let telling = tokio::spawn(async move {
            supervisor.keep_telling().await;
        });
        let heard = tokio::task::spawn_blocking(move || (hear(&socket), hear(&socket))).await.unwrap();
        assert_eq!(heard, ("WATCHDOG=1".to_owned(), "WATCHDOG=1".to_owned()));
        telling.abort();
    }

    #[test]
    fn nobody_is_told_where_nobody_supervises() {
        Supervisor::at(OsStr::new(""), "").ready();
        Supervisor::at(OsStr::new("/nowhere/notify"), "x").stopping();
    }
}
