//! A socket that gives the answers it was told to, one to each connection: what a real service can't be made to do at will.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::client::Client;

/// Serves until its answers are used up.
pub(crate) struct Scripted {
    url: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    /// Gives these answers, in order.
    pub(crate) async fn start(answers: Vec<String>) -> Scripted {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("it listens"));
        let heads = Arc::new(Mutex::new(Vec::new()));
        let asked = Arc::clone(&heads);
        tokio::spawn(async move {
            for answer in answers {
                let (stream, _) = listener.accept().await.expect("the client connects");
                let mut stream = BufReader::new(stream);
                let head = read(&mut stream).await.expect("the client asks");
                asked.lock().unwrap_or_else(PoisonError::into_inner).push(head);
                stream.write_all(answer.as_bytes()).await.expect("the client reads");
                stream.shutdown().await.expect("the client reads");
            }
        });
        Scripted { url, heads }
    }

    /// A client of it.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.url.parse().expect("it is an address"), None).expect("a client can be made")
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// What each request asked for: method and path.
    pub(crate) fn asked(&self) -> Vec<String> {
        let heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        heads
            .iter()
            .filter_map(|head| Some(head.lines().next()?.strip_suffix(" HTTP/1.1")?.to_owned()))
            .collect()
    }

    /// The values of a header, in the order of the requests that sent it.
    pub(crate) fn sent(&self, header: &str) -> Vec<String> {
        let heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = heads.iter().flat_map(|head| head.lines());
        let fields = lines.filter_map(|line| line.split_once(": "));
        fields.filter(|(name, _)| *name == header).map(|(_, value)| value.to_owned()).collect()
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(bytes) = line.strip_prefix("content-length: ") {
            length = bytes.trim().parse().unwrap_or(0);
        }
        head.push_str(&line);
    }
    // A body that is not read would reset the connection and take the answer with it.
    stream.read_exact(&mut vec![0; length]).await?;
    Ok(head.replace('\r', ""))
}

/// An answer with a body.
pub(crate) fn answer(status: &str, kind: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

/// An answer as asked for.
pub(crate) fn json(body: &str) -> String {
    answer("200 OK", "application/json", body)
}

/// A refusal.
pub(crate) fn problem(status: &str, code: &str) -> String {
    let number = &status[..3];
    let body = format!(
        r#"{{"type":"about:blank","title":"T","status":{number},"detail":"D","instance":"i","code":"{code}"}}"#
    );
    answer(status, "application/problem+json", &body)
}

/// A stream of these frames, which then ends.
pub(crate) fn stream_of(frames: &[&str]) -> String {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    format!("{head}{}", frames.concat())
}

/// A frame; with an empty id it has none.
pub(crate) fn event(id: &str, position: i64, stream: &str) -> String {
    let id = if id.is_empty() { String::new() } else { format!("id: {id}\n") };
    let json = serde_json::json!({
        "position": position, "kind": "k", "stream": stream, "version": null, "recorded_at": "t", "actor": null, "data": {},
    });
    format!("{id}event: k\ndata: {json}\n\n")
}
