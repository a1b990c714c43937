//! Reads server-sent events as they come, frame by frame.
//!
//! On purpose less clever than a client library: it does not reconnect, and it shows frames that a browser would swallow
//! (an `id:` alone), because how the service frames its stream is what tests want to see.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use serde_json::Value;

/// An event as it was framed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerEvent {
    /// The `id:` of this very frame, if it has one.
    pub id: Option<String>,
    /// The `event:`.
    pub event: String,
    /// The `data:`, parsed; text that is no JSON stays text.
    pub data: Value,
}

/// A stream of events; dropping it closes the connection.
pub struct EventReader {
    bytes: BoxStream<'static, reqwest::Result<Vec<u8>>>,
    waiting: Vec<u8>,
    last_id: Option<String>,
}

impl EventReader {
    /// Reads the body of an answer that is a stream of events.
    pub fn new(response: reqwest::Response) -> EventReader {
        let kind =
            response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        assert!(kind.starts_with("text/event-stream"), "{} answers {kind:?}", response.url());
        let bytes = response.bytes_stream().map(|piece| piece.map(|piece| piece.to_vec())).boxed();
        EventReader { bytes, waiting: Vec::new(), last_id: None }
    }

    /// The newest id, of whichever frame: what a client would send as `Last-Event-ID`.
    pub fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    /// The next event, or nothing once the stream has ended or broken.
    pub async fn next(&mut self) -> Option<ServerEvent> {
        loop {
            while let Some(end) = self.waiting.windows(2).position(|pair| pair == b"\n\n") {
                let frame: Vec<u8> = self.waiting.drain(..end + 2).collect();
                let frame = parse(&String::from_utf8_lossy(&frame));
                if frame.id.is_some() {
                    self.last_id.clone_from(&frame.id);
                }
                // Without data there is nothing to call anybody for: comments, and ids alone.
                if let Some(data) = frame.data {
                    let data = serde_json::from_str(&data).unwrap_or(Value::String(data));
                    return Some(ServerEvent { id: frame.id, event: frame.event, data });
                }
            }
            self.waiting.extend(self.bytes.next().await?.ok()?);
        }
    }

    /// The next event within `bound`; panics if none comes.
    pub async fn next_within(&mut self, bound: Duration) -> ServerEvent {
        let next = tokio::time::timeout(bound, self.next()).await.expect("an event comes in time");
        next.expect("the stream goes on")
    }

    /// All events up to and with the first that satisfies `last`; panics with what came if it doesn't within `bound`.
    pub async fn collect_until(
        &mut self,
        bound: Duration,
        last: impl Fn(&ServerEvent) -> bool,
    ) -> Vec<ServerEvent> {
        let mut events = Vec::new();
        let reading = async {
            while let Some(event) = self.next().await {
                let done = last(&event);
                events.push(event);
                if done {
                    return true;
                }
            }
            false
        };
        let found = tokio::time::timeout(bound, reading).await;
        let kinds = || events.iter().map(|event| event.event.as_str()).collect::<Vec<_>>().join(", ");
        match found {
            Ok(true) => events,
            Ok(false) => panic!("the stream ended after: {}", kinds()),
            Err(elapsed) => panic!("{elapsed} ({bound:?}), after: {}", kinds()),
        }
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Frame {
    id: Option<String>,
    event: String,
    data: Option<String>,
}

fn parse(text: &str) -> Frame {
    let mut frame = Frame::default();
    for line in text.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => frame.id = Some(value.to_owned()),
            "event" => value.clone_into(&mut frame.event),
            "data" => {
                let data = frame.data.get_or_insert_default();
                if !data.is_empty() {
                    data.push('\n');
                }
                data.push_str(value);
            }
            _ => {}
        }
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(pieces: &[&str]) -> (Vec<ServerEvent>, Option<String>) {
        let pieces: Vec<_> = pieces.iter().map(|piece| Ok(piece.as_bytes().to_vec())).collect();
        let bytes = futures::stream::iter(pieces).boxed();
        let mut reader = EventReader { bytes, waiting: Vec::new(), last_id: None };
        let mut events = Vec::new();
        while let Some(event) = reader.next().await {
            events.push(event);
        }
        (events, reader.last_id)
    }

    #[tokio::test]
    async fn frames_are_put_together_from_any_pieces() {
        let (events, last) = read(&[
            "id: 1.x\n\n: quiet\n",
            "\nid: 2.x\neve",
            "nt: a\ndata: {\"n\":",
            "2}\n\nevent: b\ndata: text\n\nid: 3.x\n\n",
        ])
        .await;
        assert_eq!(
            events,
            [
                ServerEvent { id: Some("2.x".into()), event: "a".into(), data: serde_json::json!({"n": 2}) },
                ServerEvent { id: None, event: "b".into(), data: "text".into() },
            ]
        );
        assert_eq!(last.as_deref(), Some("3.x"), "an id alone counts");
    }
}
