//! A socket that gives the answers it was told to, one to each connection: what a real service can't be made to do at will.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use crate::client::Client;

/// Serves until the test ends.
pub(super) struct Scripted {
    url: String,
    ids: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    /// Gives these answers, in order.
    pub(super) async fn start(answers: Vec<String>) -> Scripted {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let ids = Arc::new(Mutex::new(Vec::new()));
        let asked = Arc::clone(&ids);
        tokio::spawn(async move {
            for answer in answers {
                let (stream, _) = listener.accept().await.unwrap();
                let mut stream = BufReader::new(stream);
                loop {
                    let mut header = String::new();
                    stream.read_line(&mut header).await.unwrap();
                    if let Some(id) = header.strip_prefix("last-event-id: ") {
                        asked.lock().unwrap_or_else(PoisonError::into_inner).push(id.trim().to_owned());
                    }
                    if header.trim().is_empty() {
                        break;
                    }
                }
                stream.write_all(answer.as_bytes()).await.unwrap();
                stream.shutdown().await.unwrap();
            }
        });
        Scripted { url, ids }
    }

    /// A client of it.
    pub(super) fn client(&self) -> Client {
        Client::new(self.url.parse().unwrap(), None).unwrap()
    }

    /// Every `Last-Event-ID`, in order.
    pub(super) fn ids_asked_for(&self) -> Vec<String> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A stream of these frames, which then ends.
pub(super) fn stream_of(frames: &[&str]) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n{}",
        frames.concat()
    )
}

/// A frame; with an empty id it has none.
pub(super) fn event(id: &str, position: i64, stream: &str) -> String {
    let id = if id.is_empty() { String::new() } else { format!("id: {id}\n") };
    let json = serde_json::json!({
        "position": position, "kind": "k", "stream": stream, "version": null, "recorded_at": "t", "actor": null, "data": {},
    });
    format!("{id}event: k\ndata: {json}\n\n")
}

/// A refusal.
pub(super) fn problem(status: &str, code: &str) -> String {
    let number = &status[..3];
    let body = format!(
        r#"{{"type":"about:blank","title":"T","status":{number},"detail":"D","instance":"i","code":"{code}"}}"#
    );
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/problem+json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}
