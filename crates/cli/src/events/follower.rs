//! Follows the stream and opens it again whenever it ends, until somebody drops it.
//!
//! Reconnecting is done here and not by the library: its retries would send the id of the last event that called somebody,
//! also where a list or a file said from where to go on, and would give up at the first 503 of a service that is starting.

use std::time::{Duration, Instant};

use futures::{Stream, StreamExt, stream};
use reqwest_eventsource::retry::Never;
use reqwest_eventsource::{Error, Event as Streamed, EventSource};

use super::event::Frame;
use super::{Backoff, Event, Resume};
use crate::client::Client;
use crate::failure::Failure;
use crate::values::{EventId, TorrentRef};

/// A connection that ends sooner is one of a row of failures, unless an event came.
const LASTED: Duration = Duration::from_secs(10);

/// Which events are wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// Kinds, or families such as `torrent.*`; all if there are none.
    pub(crate) types: Vec<String>,
    /// Of this torrent alone.
    pub(crate) torrent: Option<TorrentRef>,
    /// Facts alone.
    pub(crate) no_samples: bool,
}

impl Filter {
    fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = Vec::new();
        if !self.types.is_empty() {
            query.push(("types", self.types.join(",")));
        }
        if let Some(torrent) = &self.torrent {
            query.push(("torrent", torrent.as_str().to_owned()));
        }
        if self.no_samples {
            query.push(("samples", "false".to_owned()));
        }
        query
    }
}

/// Whether the service has to be there when following begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FirstContact {
    /// A wrong address should be told at once.
    MustSucceed,
    /// It was there a moment ago.
    MayFail,
}

/// What following brings.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Followed {
    /// An event, for the first time.
    Event(Box<Event>),
    /// The log is another one than before: whatever was read should be read again.
    Reset {
        /// Everything goes on after this.
        id: EventId,
        /// What was said.
        json: String,
    },
    /// Samples between two places are no longer kept.
    SamplesGap {
        /// What was said.
        json: String,
    },
    /// The connection is lost, and will be tried again.
    Interrupted {
        /// Words.
        why: String,
        /// Before the next try.
        wait: Duration,
    },
}

/// All events after a place. The stream ends with the first failure that the same request would meet again.
pub(crate) fn follow(
    client: Client,
    filter: Filter,
    resume: Resume,
    first_contact: FirstContact,
) -> impl Stream<Item = Result<Followed, Failure>> {
    let follower = Follower {
        client,
        filter,
        resume,
        may_retry: first_contact == FirstContact::MayFail,
        source: None,
        wait: None,
        backoff: Backoff::default(),
        opened: None,
        last_gap: None,
    };
    stream::unfold(Some(follower), |follower| async {
        let mut follower = follower?;
        match follower.next().await {
            Ok(next) => Some((Ok(next), Some(follower))),
            Err(failure) => Some((Err(failure), None)),
        }
    })
}

struct Follower {
    client: Client,
    filter: Filter,
    resume: Resume,
    may_retry: bool,
    source: Option<EventSource>,
    wait: Option<Duration>,
    backoff: Backoff,
    /// When the present connection was opened.
    opened: Option<Instant>,
    /// Told again with each connection until the id has passed it.
    last_gap: Option<String>,
}

impl Follower {
    async fn next(&mut self) -> Result<Followed, Failure> {
        loop {
            if let Some(wait) = self.wait.take() {
                tokio::time::sleep(wait).await;
            }
            let mut source = match self.source.take() {
                Some(source) => source,
                None => self.connect()?,
            };
            let streamed = source.next().await;
            self.source = Some(source);
            match streamed {
                Some(Ok(Streamed::Open)) => {
                    self.may_retry = true;
                    self.opened = Some(Instant::now());
                }
                Some(Ok(Streamed::Message(message))) => {
                    self.backoff.reset();
                    if let Some(followed) = self.take(Frame::read(&message.event, &message.id, message.data)?)
                    {
                        return Ok(followed);
                    }
                }
                Some(Err(error)) => return self.interrupted(error).await,
                None => return self.interrupted(Error::StreamEnded).await,
            }
        }
    }

    fn connect(&self) -> Result<EventSource, Failure> {
        let request = self.client.events(&self.filter.query());
        let request = request.header("Last-Event-ID", self.resume.last_event_id().as_str());
        let mut source = EventSource::new(request)
            .map_err(|error| Failure::input(format!("the stream cannot be asked for: {error}")))?;
        source.set_retry_policy(Box::new(Never));
        Ok(source)
    }

    fn take(&mut self, frame: Frame) -> Option<Followed> {
        match frame {
            Frame::Event(event) => self.resume.admit(&event).then_some(Followed::Event(event)),
            Frame::Reset { id, json } => {
                self.resume = Resume::after(id.clone());
                self.last_gap = None;
                Some(Followed::Reset { id, json })
            }
            Frame::SamplesGap { json } => {
                let is_news = self.last_gap.as_ref() != Some(&json);
                self.last_gap = Some(json.clone());
                is_news.then_some(Followed::SamplesGap { json })
            }
        }
    }

    /// Says what happened if the next try may go better, and fails if it can't.
    async fn interrupted(&mut self, error: Error) -> Result<Followed, Failure> {
        self.source = None;
        let failure = match error {
            Error::InvalidStatusCode(_, response) => Client::refusal(response).await,
            Error::Transport(error) => self.client.unreachable(&error),
            Error::InvalidContentType(kind, _) => {
                return Err(Failure::Unexpected {
                    status: None,
                    what: format!("{kind:?} is no stream of events"),
                });
            }
            Error::StreamEnded | Error::Utf8(_) | Error::Parser(_) | Error::InvalidLastEventId(_) => {
                return Ok(self.retry("the stream ended".to_owned()));
            }
        };
        if self.may_retry && failure.is_passing() {
            Ok(self.retry(failure.to_string()))
        } else {
            Err(failure)
        }
    }

    fn retry(&mut self, why: String) -> Followed {
        // A quiet stream that lasted was a success, though nothing came of it.
        if self.opened.take().is_some_and(|opened| opened.elapsed() > LASTED) {
            self.backoff.reset();
        }
        let wait = self.backoff.next();
        self.wait = Some(wait);
        Followed::Interrupted { why, wait }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::{Scripted, event, problem, stream_of};

    fn brief(followed: &Result<Followed, Failure>) -> String {
        match followed {
            Ok(Followed::Event(event)) => format!("{}{}", event.frame.position, event.frame.stream),
            Ok(Followed::Reset { id, .. }) => format!("reset to {id}"),
            Ok(Followed::SamplesGap { .. }) => "gap".to_owned(),
            Ok(Followed::Interrupted { .. }) => "interrupted".to_owned(),
            Err(failure) => format!("failed: {failure}"),
        }
    }

    /// Follows a service that gives these answers, one to each connection, until it is done; what came, and the ids asked for.
    async fn followed(answers: Vec<String>, first_contact: FirstContact) -> (Vec<String>, Vec<String>) {
        let service = Scripted::start(answers).await;
        let resume = Resume::after("10.x".parse().unwrap());
        let events = follow(service.client(), Filter::default(), resume, first_contact);
        let told: Vec<_> = events.map(|followed| brief(&followed)).collect().await;
        (told, service.sent("last-event-id"))
    }

    /// Ends every script: not worth a retry.
    fn end() -> String {
        problem("401 Unauthorized", "unauthorised")
    }

    const ENDED: &str = "failed: D (401 unauthorised)";

    #[tokio::test]
    async fn lost_stream_goes_on_where_it_ended() {
        let answers = vec![
            stream_of(&["id: 10.x\n\n", &event("11.x", 11, "a"), &event("12.x", 12, "a")]),
            stream_of(&["id: 12.x\n\n", &event("13.x", 13, "b")]),
            end(),
        ];
        let (told, ids) = followed(answers, FirstContact::MustSucceed).await;
        assert_eq!(told, ["11a", "12a", "interrupted", "13b", "interrupted", ENDED]);
        assert_eq!(ids, ["10.x", "12.x", "13.x"]);
    }

    #[tokio::test]
    async fn tick_that_was_cut_is_completed_and_not_repeated() {
        let answers = vec![
            stream_of(&["id: 10.x\n\n", &event("", 11, "a")]),
            stream_of(&["id: 10.x\n\n", &event("", 11, "a"), &event("11.x", 11, "b")]),
            end(),
        ];
        let (told, ids) = followed(answers, FirstContact::MustSucceed).await;
        assert_eq!(told, ["11a", "interrupted", "11b", "interrupted", ENDED]);
        assert_eq!(ids, ["10.x", "10.x", "11.x"]);
    }

    #[tokio::test]
    async fn starting_service_is_waited_for() {
        let answers = vec![
            stream_of(&[&event("11.x", 11, "a")]),
            problem("503 Service Unavailable", "unavailable"),
            end(),
        ];
        let (told, ids) = followed(answers, FirstContact::MustSucceed).await;
        assert_eq!(told, ["11a", "interrupted", "interrupted", ENDED]);
        assert_eq!(ids, ["10.x", "11.x", "11.x"]);
    }

    #[tokio::test]
    async fn first_contact_that_must_succeed_is_not_tried_again() {
        let unavailable = || problem("503 Service Unavailable", "unavailable");
        let (told, _) = followed(vec![unavailable(), end()], FirstContact::MustSucceed).await;
        assert_eq!(told, ["failed: D (503 unavailable)"]);
        let (told, _) = followed(vec![unavailable(), end()], FirstContact::MayFail).await;
        assert_eq!(told, ["interrupted", ENDED]);
    }

    #[tokio::test]
    async fn reset_goes_on_in_the_new_log() {
        let reset = "id: 3.y\nevent: reset\ndata: {\"head\":3,\"log_id\":\"y\"}\n\n";
        let answers = vec![stream_of(&[reset, &event("4.y", 4, "a")]), end()];
        let (told, ids) = followed(answers, FirstContact::MustSucceed).await;
        assert_eq!(told, ["reset to 3.y", "4a", "interrupted", ENDED]);
        assert_eq!(ids, ["10.x", "4.y"]);
    }

    #[tokio::test]
    async fn gap_in_the_samples_is_told_once() {
        let gap = "event: samples-gap\ndata: {\"from\":10,\"to\":20}\n\n";
        let answers = vec![stream_of(&[gap]), stream_of(&[gap, &event("21.x", 21, "a")]), end()];
        let (told, _) = followed(answers, FirstContact::MustSucceed).await;
        assert_eq!(told, ["gap", "interrupted", "21a", "interrupted", ENDED]);
    }

    #[tokio::test]
    async fn answer_that_is_no_stream_ends_it() {
        let page = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 0\r\n\r\n".to_owned();
        let (told, _) = followed(vec![page], FirstContact::MayFail).await;
        assert_eq!(told, ["failed: the answer is not understood: \"text/html\" is no stream of events"]);
    }
}
