//! Reads a stream of events as it comes, frames that a browser would swallow included.

use std::collections::VecDeque;

use futures::StreamExt;
use futures::stream::BoxStream;
use poem::Response;
use poem::http::{Method, StatusCode};
use serde_json::Value;

use crate::world::{BOUND, World, request};

/// A frame.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Frame {
    pub(crate) id: Option<String>,
    pub(crate) event: Option<String>,
    pub(crate) data: Value,
    /// As it came.
    pub(crate) text: String,
}

/// A client.
pub(crate) struct Stream {
    body: BoxStream<'static, Result<bytes::Bytes, std::io::Error>>,
    waiting: String,
    frames: VecDeque<Frame>,
}

impl Stream {
    pub(crate) async fn open(world: &World, query: &str, last_event_id: Option<&str>) -> Self {
        Self::of(ask(world, query, last_event_id).await)
    }

    /// The same where there may be as many clients as there may be: one that has gone gives its place back in a moment.
    pub(crate) async fn open_when_there_is_a_place(
        world: &World,
        query: &str,
        last_event_id: Option<&str>,
    ) -> Self {
        let trying = async {
            loop {
                let response = ask(world, query, last_event_id).await;
                if response.status() != StatusCode::SERVICE_UNAVAILABLE {
                    return response;
                }
                tokio::task::yield_now().await;
            }
        };
        Self::of(tokio::time::timeout(BOUND, trying).await.expect("a place becomes free"))
    }

    fn of(response: Response) -> Self {
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.content_type(), Some("text/event-stream"));
        assert_eq!(response.header("cache-control"), Some("no-store"));
        assert_eq!(response.header("x-accel-buffering"), Some("no"));
        Self {
            body: response.into_body().into_bytes_stream().boxed(),
            waiting: String::new(),
            frames: VecDeque::new(),
        }
    }

    /// The next frame; nothing at the end of the stream.
    pub(crate) async fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return Some(frame);
            }
            let next = tokio::time::timeout(BOUND, self.body.next()).await.expect("a frame comes in time");
            let chunk = next?.expect("reads");
            self.waiting.push_str(std::str::from_utf8(&chunk).expect("chunks hold whole frames"));
            let rest = self.waiting.rfind("\n\n").map_or(0, |end| end + 2);
            self.frames.extend(self.waiting[..rest].split_terminator("\n\n").map(parse));
            self.waiting.drain(..rest);
        }
    }

    /// The next frame that a browser would call somebody for.
    pub(crate) async fn event(&mut self) -> Frame {
        let reading = async {
            loop {
                let frame = self.frame().await.expect("the stream goes on");
                if frame.event.is_some() {
                    return frame;
                }
            }
        };
        tokio::time::timeout(BOUND, reading).await.expect("an event comes in time")
    }

    /// Events up to and with the first that satisfies `last`.
    pub(crate) async fn until(&mut self, last: impl Fn(&Frame) -> bool) -> Vec<Frame> {
        let mut events = Vec::new();
        loop {
            events.push(self.event().await);
            if events.last().is_some_and(&last) {
                return events;
            }
        }
    }

    /// Events up to a position.
    pub(crate) async fn through(&mut self, position: i64) -> Vec<Frame> {
        self.until(|event| event.data["position"] == position && event.id.is_some()).await
    }
}

async fn ask(world: &World, query: &str, last_event_id: Option<&str>) -> Response {
    let mut asked = request(Method::GET, &format!("/v1/events{query}"));
    if let Some(id) = last_event_id {
        asked = asked.header("last-event-id", id);
    }
    world.send(asked.finish()).await
}

fn parse(text: &str) -> Frame {
    let mut frame = Frame { text: text.to_owned(), ..Frame::default() };
    for line in text.lines() {
        let (field, value) = line.split_once(": ").unwrap_or((line, ""));
        match field {
            "id" => frame.id = Some(value.to_owned()),
            "event" => frame.event = Some(value.to_owned()),
            "data" => frame.data = serde_json::from_str(value).expect("data is JSON"),
            _ => {}
        }
    }
    frame
}
