//! A part of the service: a task with a name, told to end by a token of its own and waited for with a bound.
//!
//! The order in which parts end is the composition root's; that a part which ends by itself is noticed, is decided here.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Parts that ended by themselves, by name; more than the first is not needed.
const DEATHS_MAX: usize = 16;

/// Tells of parts that ended without being told to.
#[derive(Debug, Clone)]
pub(crate) struct Watch(mpsc::Sender<&'static str>);

/// Hears of them.
#[derive(Debug)]
pub(crate) struct Deaths(mpsc::Receiver<&'static str>);

/// A running part.
#[derive(Debug)]
pub(crate) struct Part<T> {
    name: &'static str,
    token: CancellationToken,
    task: JoinHandle<T>,
}

/// Tells when it is dropped before the token was cancelled: by an early return or by a panic.
struct Guard {
    name: &'static str,
    token: CancellationToken,
    watch: Watch,
}

/// A watch and its hearer.
pub(crate) fn watch() -> (Watch, Deaths) {
    let (sender, receiver) = mpsc::channel(DEATHS_MAX);
    (Watch(sender), Deaths(receiver))
}

impl Deaths {
    /// The next part that ended by itself.
    pub(crate) async fn next(&mut self) -> &'static str {
        match self.0.recv().await {
            Some(name) => name,
            None => std::future::pending().await,
        }
    }
}

impl<T: Send + 'static> Part<T> {
    /// Starts a part.
    pub(crate) fn spawn<F>(
        watch: &Watch,
        name: &'static str,
        run: impl FnOnce(CancellationToken) -> F,
    ) -> Self
    where
        F: Future<Output = T> + Send + 'static,
    {
        let token = CancellationToken::new();
        let guard = Guard { name, token: token.clone(), watch: watch.clone() };
        let run = run(token.clone());
        let task = tokio::spawn(async move {
            let _guard = guard;
            run.await
        });
        Self { name, token, task }
    }

    /// Tells it to end and waits; after the bound it is left behind. What it returned.
    pub(crate) async fn end(self, bound: Duration) -> Option<T> {
        self.token.cancel();
        self.join(bound).await
    }

    /// Waits until it ends by itself, and tells it to end when that takes longer than the bound.
    pub(crate) async fn wait(self, bound: Duration) -> Option<T> {
        let told = self.token.clone();
        let telling = async {
            tokio::time::sleep(bound).await;
            told.cancel();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            value = self.join(bound * 2) => value,
            () = telling => None,
        }
    }

    async fn join(mut self, bound: Duration) -> Option<T> {
        match tokio::time::timeout(bound, &mut self.task).await {
            Ok(Ok(value)) => Some(value),
            Ok(Err(error)) => {
                tracing::error!(part = self.name, %error, "a part ended badly");
                None
            }
            Err(_) => {
                tracing::warn!(
                    part = self.name,
                    seconds = bound.as_secs(),
                    "a part does not end and is left behind"
                );
                self.task.abort();
                None
            }
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.token.is_cancelled() {
            // A full channel already has one, which is enough.
            let _ = self.watch.0.try_send(self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn part_that_is_told_to_end_is_no_death() {
        let (watch, mut deaths) = watch();
        let part = Part::spawn(&watch, "a", |token| async move {
            token.cancelled().await;
            7
        });
        assert_eq!(part.end(BOUND).await, Some(7));
        assert!(futures_poll(&mut deaths));
    }

    #[tokio::test]
    async fn part_that_panics_is_noticed_by_its_name() {
        let (watch, mut deaths) = watch();
        let part: Part<()> = Part::spawn(&watch, "b", |_| async { panic!("as a test") });
        assert_eq!(tokio::time::timeout(BOUND, deaths.next()).await, Ok("b"));
        assert_eq!(part.end(BOUND).await, None);
    }

    #[tokio::test]
    async fn part_that_does_not_end_is_left_behind() {
        let (watch, _deaths) = watch();
        let part: Part<()> = Part::spawn(&watch, "c", |_| std::future::pending());
        assert_eq!(part.end(Duration::from_millis(1)).await, None);
    }

    /// Whether nothing has died.
    fn futures_poll(deaths: &mut Deaths) -> bool {
        deaths.0.try_recv().is_err()
    }
}
