//! A client of the events that does as little as can be done: it counts frames, so that the service is what is measured.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Bytes of one read. Larger than what the service writes at once.
const READ_BYTES: usize = 256 << 10;

/// A connection on which events come.
pub(crate) struct Stream {
    socket: TcpStream,
    buffer: Vec<u8>,
    /// Whether the last read ended in the middle of an end of a frame.
    ends_with_newline: bool,
    /// Frames so far, that which opens the stream included.
    pub(crate) frames: u64,
}

impl Stream {
    /// Asks, and waits for the frame that opens the stream.
    pub(crate) async fn open(address: SocketAddr, query: &str) -> Self {
        let mut socket = TcpStream::connect(address).await.expect("the service listens");
        let request = format!("GET /v1/events?{query} HTTP/1.1\r\nHost: {address}\r\n\r\n");
        socket.write_all(request.as_bytes()).await.expect("the service reads");
        let mut stream = Self { socket, buffer: vec![0; READ_BYTES], ends_with_newline: false, frames: 0 };
        let mut read = stream.read().await;
        assert!(stream.buffer[..read].starts_with(b"HTTP/1.1 200"), "the service answers with events");
        while stream.frames == 0 {
            read = stream.read().await;
            assert!(read > 0, "the stream goes on");
        }
        stream
    }

    /// Reads until so many frames have come in all.
    pub(crate) async fn read_until(&mut self, frames: u64) {
        while self.frames < frames {
            assert!(self.read().await > 0, "the stream goes on");
        }
    }

    /// A frame ends with an empty line, and no frame of the service holds one; the headers end in another kind.
    async fn read(&mut self) -> usize {
        let read = self.socket.read(&mut self.buffer).await.expect("the connection holds");
        let bytes = &self.buffer[..read];
        let across = self.ends_with_newline && bytes.first() == Some(&b'\n');
        let pairs = bytes.iter().zip(bytes.get(1..).unwrap_or_default());
        let within = pairs.filter(|(one, next)| **one == b'\n' && **next == b'\n').count();
        self.frames += u64::from(across) + u64::try_from(within).expect("a buffer is small");
        if let Some(last) = bytes.last() {
            self.ends_with_newline = *last == b'\n' && !bytes.ends_with(b"\r\n");
        }
        read
    }
}
