//! Owns the session, and rebuilds it when it is no good.
//!
//! One loop over everything that can happen: alerts, requests, the tick, the watchdog, the end. A session that faults is
//! torn down beside the loop (its end may block) and replaced by an empty one; the reconciler then fills it from the log.

use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use libtorrent_sys::{Pump, Session};
use tokio::io::unix::AsyncFd;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::handle::{EngineHandle, EngineHealth, Error, Fault, Request, Shared};
use crate::notice::{EngineNotice, NoticeReceiver, Notices};
use crate::session::Torrents;
use crate::settings::session_settings;
use crate::{Options, Reconciliation};

/// Requests that wait for the loop; it serves each in microseconds, so this only smooths bursts.
const REQUESTS_MAX: usize = 1024;
/// How often the watchdog asks libtorrent for an answer.
const WATCHDOG_INTERVAL: Duration = Duration::from_secs(2);

/// The engine, before it runs.
pub struct Engine;

/// Runs the session.
pub struct Runner {
    options: Options,
    requests: mpsc::Receiver<Request>,
    shared: Shared,
    notices: Notices,
    health: watch::Sender<EngineHealth>,
}

enum End {
    Shutdown,
    Fault(String),
}

impl Engine {
    /// Puts the parts together; nothing runs yet.
    pub fn build(options: Options) -> (EngineHandle, NoticeReceiver, Runner) {
        let (sender, requests) = mpsc::channel(REQUESTS_MAX);
        let (health, watch_health) = watch::channel(EngineHealth::Well);
        let (shared, notices) = (Shared::default(), Notices::default());
        let handle = EngineHandle { requests: sender, shared: shared.clone(), health: watch_health };
        let receiver = notices.receiver();
        (handle, receiver, Runner { options, requests, shared, notices, health })
    }
}

/// The eventfd as tokio waits for it; the pump owns it.
struct Wakeup(RawFd);

impl AsRawFd for Wakeup {
    fn as_raw_fd(&self) -> RawFd {
        self.0
    }
}

#[expect(
    deprecated,
    reason = "its successor is unsafe; the pump outlives the wait, which is all that it asks for"
)]
fn wait_for(pump: &Pump) -> std::io::Result<AsyncFd<Wakeup>> {
    AsyncFd::new(Wakeup(pump.as_fd().as_raw_fd()))
}

impl Runner {
    /// Runs until shutdown, then saves resume data within its deadline. Returns the session's own state for the next run.
    pub async fn run(mut self, shutdown: CancellationToken) -> Option<Vec<u8>> {
        let state = self.options.session_state.take();
        let mut attempt = 0;
        let state = loop {
            let end = match Session::start(&session_settings(&self.options), state.as_deref()) {
                Ok((session, pump)) => self.run_session(session, pump, attempt, &shutdown).await,
                Err(error) => Err(format!("no session can be started: {error}")),
            };
            let reason = match end {
                Ok(state) => break state,
                Err(reason) => reason,
            };
            self.notices.tell(EngineNotice::Faulted { reason: reason.clone() });
            attempt += 1;
            if attempt > self.options.rebuild_attempts_max {
                tracing::error!(reason, "the session is given up");
                self.notices.tell(EngineNotice::GaveUp { reason: reason.clone() });
                self.health.send_replace(EngineHealth::Failed { reason });
                self.refuse_until(&shutdown).await;
                break None;
            }
            tracing::warn!(reason, attempt, "the session is rebuilt");
            self.health.send_replace(EngineHealth::Degraded { reason });
            let pause = self.options.rebuild_backoff * 2_u32.saturating_pow(attempt - 1);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = shutdown.cancelled() => break None,
            }
        };
        self.notices.end();
        state
    }

    /// One session from its start to its end; `Err` is a fault.
    async fn run_session(
        &mut self,
        session: Session,
        mut pump: Pump,
        attempt: u32,
        shutdown: &CancellationToken,
    ) -> Result<Option<Vec<u8>>, String> {
        session.limit_local_peers(true).map_err(|error| error.to_string())?;
        self.shared.board().session = Some(session.clone());
        if attempt == 0 {
            self.notices.tell(EngineNotice::Started { libtorrent_version: libtorrent_sys::version() });
        } else {
            self.notices.tell(EngineNotice::Restarted { attempt });
        }
        self.health.send_replace(EngineHealth::Well);
        let mut torrents =
            Torrents::new(session.clone(), self.options.clone(), self.shared.clone(), self.notices.clone());
        let wakeup = wait_for(&pump).map_err(|error| error.to_string())?;
        let end = self.serve(&mut torrents, &mut pump, &wakeup, shutdown).await;
        let result = match end {
            End::Shutdown => {
                self.save_all(&mut torrents, &mut pump, &wakeup).await;
                Ok(session.save_state().ok())
            }
            End::Fault(reason) => Err(reason),
        };
        drop(wakeup);
        {
            let mut board = self.shared.board();
            (board.session, board.keys, board.live, board.real_files) = Default::default();
        }
        // The end of a session can block on trackers or on whatever made it fault; nobody waits for a faulted one.
        let ending = tokio::task::spawn_blocking(move || {
            drop(torrents);
            let ended = session.shutdown();
            drop(pump);
            ended
        });
        if result.is_ok() {
            let _ = tokio::time::timeout(self.options.shutdown_deadline, ending).await;
        }
        result
    }

    async fn serve(
        &mut self,
        torrents: &mut Torrents,
        pump: &mut Pump,
        wakeup: &AsyncFd<Wakeup>,
        shutdown: &CancellationToken,
    ) -> End {
        let period = Duration::from_secs(1) / u32::from(self.options.progress_hertz.clamp(1, 10));
        let mut tick = tokio::time::interval(period);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut watchdog = tokio::time::interval(WATCHDOG_INTERVAL.min(self.options.ping_deadline / 2));
        watchdog.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut ping: Option<(tokio::task::JoinHandle<_>, Instant)> = None;
        let mut unresponsive = false;
        loop {
            tokio::select! {
                ready = wakeup.readable() => {
                    if let Ok(mut ready) = ready {
                        ready.clear_ready();
                    }
                    if let Err(error) = torrents.pump(pump) {
                        return End::Fault(format!("the pump broke: {error}"));
                    }
                }
                request = self.requests.recv() => match request {
                    Some(Request::Reconcile(desired, materials, answer)) => {
                        let _ = answer.send(torrents.reconcile(*desired, materials));
                    }
                    Some(Request::Inject(Fault::PumpError)) => return End::Fault("the pump broke: injected".to_owned()),
                    Some(Request::Inject(Fault::Unresponsive)) => unresponsive = true,
                    None => return End::Shutdown,
                },
                _ = tick.tick() => torrents.tick(),
                _ = watchdog.tick() => {
                    torrents.save_what_is_due();
                    match &ping {
                        Some((answered, _)) if answered.is_finished() && !unresponsive => ping = None,
                        Some((_, since)) if since.elapsed() > self.options.ping_deadline => {
                            let waited = self.options.ping_deadline;
                            return End::Fault(format!("libtorrent gave no answer for {waited:?}"));
                        }
                        _ => {}
                    }
                    if ping.is_none() {
                        let session = torrents.session().clone();
                        ping = Some((tokio::task::spawn_blocking(move || session.ping()), Instant::now()));
                    }
                }
                () = shutdown.cancelled() => return End::Shutdown,
            }
        }
    }

    /// Asks for the resume data of every torrent that has some to save, and waits for it.
    async fn save_all(&mut self, torrents: &mut Torrents, pump: &mut Pump, wakeup: &AsyncFd<Wakeup>) {
        let deadline = Instant::now() + self.options.shutdown_deadline;
        torrents.save_all();
        while torrents.awaits_resume_data() {
            tokio::select! {
                ready = wakeup.readable() => {
                    if let Ok(mut ready) = ready {
                        ready.clear_ready();
                    }
                    if torrents.pump(pump).is_err() {
                        return;
                    }
                }
                () = tokio::time::sleep_until(deadline) => {
                    tracing::warn!("resume data of some torrents did not come within the deadline of the shutdown");
                    return;
                }
            }
        }
    }

    async fn refuse_until(&mut self, shutdown: &CancellationToken) {
        loop {
            tokio::select! {
                request = self.requests.recv() => match request {
                    Some(Request::Reconcile(_, _, answer)) => {
                        let _ = answer.send(Err::<Reconciliation, _>(Error::NoSession));
                    }
                    Some(Request::Inject(_)) => {}
                    None => return,
                },
                () = shutdown.cancelled() => return,
            }
        }
    }
}
