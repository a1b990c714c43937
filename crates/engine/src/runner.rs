//! The supervisor: builds the session, watches it, and builds it again when it is broken.
//!
//! Broken means that alerts cannot be taken, that libtorrent itself answers no ping, or that the session's thread died; never
//! that somebody is slow to take notices. A thread that hangs in libtorrent is left behind and can say nothing any more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use libtorrent_sys::{Pump, Session};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::handle::{EngineHandle, EngineHealth, Fault, Request, Shared};
use crate::mailbox::NoticeReceiver;
use crate::notice::EngineNotice;
use crate::options::Options;
use crate::profile::Profile;
use crate::session_loop::{Ended, SessionLoop};

/// Requests that wait for the session's thread; more make whoever asks wait.
pub(crate) const REQUESTS_MAX: usize = 256;
/// Faults that wait to be injected.
const FAULTS_MAX: usize = 4;

/// Where an engine comes from.
#[derive(Debug)]
pub struct Engine;

impl Engine {
    /// Starts the first session, so that wrong settings are an error here. Nothing moves until the runner runs.
    pub fn build(options: Options) -> Result<(EngineHandle, NoticeReceiver, Runner), Error> {
        let first = start(&options, &options.profile)?;
        let (faults, injected) = mpsc::channel(FAULTS_MAX);
        let shared = Arc::new(Shared::new(options.profile.clone(), options.ping_deadline, faults));
        let receiver = NoticeReceiver(Arc::clone(&shared.mailbox));
        let handle = EngineHandle(Arc::clone(&shared));
        let requests = open_line(&shared, &first.0);
        let runner = Runner { options: Arc::new(options), shared, injected, first: (first, requests) };
        Ok((handle, receiver, runner))
    }
}

/// Runs the session.
pub struct Runner {
    options: Arc<Options>,
    shared: Arc<Shared>,
    injected: mpsc::Receiver<Fault>,
    first: ((Arc<Session>, Pump), mpsc::Receiver<Request>),
}

/// How one session ended, as seen from outside of it.
enum End {
    Stopped(Option<Vec<u8>>),
    Faulted(String),
}

impl Runner {
    /// Runs until shutdown: then all resume data is told, and the session's state is returned for the next start.
    pub async fn run(self, shutdown: CancellationToken) -> Option<Vec<u8>> {
        let Self { options, shared, mut injected, first } = self;
        // However this ends, also by being dropped, whoever takes notices must learn that no more will come.
        let _closing = Closing(Arc::clone(&shared));
        let libtorrent_version = libtorrent_sys::version();
        shared.mailbox.put(EngineNotice::Started { libtorrent_version });
        let ((mut session, mut pump), mut requests) = first;
        let mut attempt = 0;
        loop {
            let begun = Instant::now();
            let parts = (Arc::clone(&session), pump, requests);
            let mut reason = match supervise(parts, &options, &shared, &mut injected, &shutdown).await {
                End::Stopped(state) => return state,
                End::Faulted(reason) => reason,
            };
            if begun.elapsed() >= options.rebuild_forgiven_after {
                attempt = 0;
            }
            shared.metrics.faults.inc();
            tracing::error!(reason, "the session is broken");
            shared.mailbox.put(EngineNotice::Faulted { reason: reason.clone() });
            shared.health.send_replace(EngineHealth::Degraded { reason: reason.clone() });
            drop(session);
            (session, pump, requests) = loop {
                attempt += 1;
                if attempt > options.rebuild_attempts_max {
                    give_up(&shared, reason, &shutdown).await;
                    return None;
                }
                tokio::select! {
                    () = tokio::time::sleep(backoff(&options, attempt)) => {}
                    () = shutdown.cancelled() => return None,
                }
                let again = Arc::clone(&options);
                let profile = shared.profile();
                match tokio::task::spawn_blocking(move || start(&again, &profile)).await {
                    Ok(Ok((session, pump))) => {
                        // Before anybody is told: whoever hears of the restart asks at once.
                        let requests = open_line(&shared, &session);
                        break (session, pump, requests);
                    }
                    Ok(Err(error)) => reason = format!("the session cannot be built: {error}"),
                    Err(panicked) => reason = format!("the session cannot be built: {panicked}"),
                }
                tracing::error!(reason, attempt, "the session is not rebuilt");
            };
            shared.metrics.restarts.inc();
            shared.health.send_replace(EngineHealth::Well);
            shared.mailbox.put(EngineNotice::Restarted { attempt });
        }
    }
}

async fn give_up(shared: &Shared, reason: String, shutdown: &CancellationToken) {
    tracing::error!(reason, "the session is given up");
    shared.health.send_replace(EngineHealth::Failed { reason: reason.clone() });
    shared.mailbox.put(EngineNotice::GaveUp { reason });
    shutdown.cancelled().await;
}

fn start(options: &Options, profile: &Profile) -> Result<(Arc<Session>, Pump), Error> {
    let (session, pump) = Session::start(&options.settings(profile), options.session_state.as_deref())?;
    session.limit_local_peers(profile.limits_apply_to_local_peers)?;
    session.set_ip_filter(profile.ip_filter.ranges())?;
    Ok((Arc::new(session), pump))
}

fn open_line(shared: &Shared, session: &Arc<Session>) -> mpsc::Receiver<Request> {
    let (sender, receiver) = mpsc::channel(REQUESTS_MAX);
    shared.open_line(Arc::clone(session), sender);
    receiver
}

/// Doubles with each attempt.
fn backoff(options: &Options, attempt: u32) -> Duration {
    let doubled = options.rebuild_backoff.saturating_mul(1 << attempt.saturating_sub(1).min(16));
    doubled.min(options.rebuild_backoff_max)
}

/// Runs one session on its own thread until it ends or has to be left behind.
async fn supervise(
    (session, pump, requests): (Arc<Session>, Pump, mpsc::Receiver<Request>),
    options: &Arc<Options>,
    shared: &Arc<Shared>,
    injected: &mut mpsc::Receiver<Fault>,
    shutdown: &CancellationToken,
) -> End {
    let abandoned = CancellationToken::new();
    let session_loop = SessionLoop {
        session: Arc::clone(&session),
        pump,
        shared: Arc::clone(shared),
        options: Arc::clone(options),
        requests,
        shutdown: shutdown.clone(),
        abandoned: abandoned.clone(),
    };
    let (sender, ended) = oneshot::channel();
    let runtime = tokio::runtime::Handle::current();
    let thread = std::thread::Builder::new().name("revaer-session".to_owned()).spawn(move || {
        // Whoever watches may have given this thread up.
        let _ = sender.send(runtime.block_on(session_loop.run()));
    });
    // A runner that is dropped takes its session along.
    let _guard = abandoned.clone().drop_guard();
    let end = match thread {
        Err(error) => End::Faulted(Error::Thread(error).to_string()),
        Ok(_detached) => tokio::select! {
            ended = ended => match ended {
                Ok(Ended::Stopped(state)) => End::Stopped(state),
                Ok(Ended::Faulted(reason)) => End::Faulted(reason),
                Err(_) => End::Faulted("the session's thread died".to_owned()),
            },
            reason = watch(&session, options.ping_deadline, shared, injected) => End::Faulted(reason),
        },
    };
    abandoned.cancel();
    shared.close_line();
    shared.board.clear();
    // Its end may hang as it may have hung before: it gets its time, then it is left behind.
    let ending = tokio::task::spawn_blocking(move || session.shutdown());
    match tokio::time::timeout(options.shutdown_deadline / 2, ending).await {
        Ok(Ok(Ok(()))) => {}
        Ok(Ok(Err(error))) => tracing::warn!(%error, "the session did not end well"),
        Ok(Err(_)) => tracing::warn!("the end of the session panicked"),
        Err(_) => tracing::warn!("the session does not end and is left behind"),
    }
    end
}

/// Pings libtorrent itself, never the session's thread, which may have much to do. Returns only with a fault.
async fn watch(
    session: &Arc<Session>,
    deadline: Duration,
    shared: &Shared,
    injected: &mut mpsc::Receiver<Fault>,
) -> String {
    let silence = format!("libtorrent did not answer for {deadline:?}");
    loop {
        tokio::select! {
            () = tokio::time::sleep(deadline / 2) => {}
            fault = injected.recv() => match fault {
                Some(Fault::Unresponsive) => return silence,
                Some(Fault::PumpError) => {
                    if let Ok(line) = shared.line() {
                        // A full queue means that the session's thread is busy; the fault may wait.
                        let _ = line.requests.send(Request::BreakPump).await;
                    }
                    continue;
                }
                // Every handle is gone, and this holds one: it cannot be.
                None => return "nobody is left to ask".to_owned(),
            },
        }
        let pinged = Arc::clone(session);
        let answer = tokio::task::spawn_blocking(move || pinged.ping());
        match tokio::time::timeout(deadline, answer).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => return format!("libtorrent answers with an error: {error}"),
            Ok(Err(_)) => return "a ping panicked".to_owned(),
            Err(_) => return silence,
        }
    }
}

/// Tells whoever takes notices that no more will come.
struct Closing(Arc<Shared>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close_line();
        self.0.mailbox.close();
    }
}
