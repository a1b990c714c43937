//! Asks the service that listens whether it is alive, for containers without another client.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A service that takes longer is not well.
const PATIENCE: Duration = Duration::from_secs(5);
/// The status line and some more.
const ANSWER_BYTES_MAX: u64 = 4096;

/// Succeeds if `GET /health` is answered with 200.
pub(crate) async fn healthcheck(listen: SocketAddr) -> anyhow::Result<()> {
    let answer = tokio::time::timeout(PATIENCE, ask(listen)).await.context("no answer in time")?;
    let answer = answer.with_context(|| format!("no answer from {listen}"))?;
    let first = answer.lines().next().unwrap_or_default().to_owned();
    if first.split(' ').nth(1) != Some("200") {
        bail!("{listen} answers `{first}`");
    }
    println!("alive");
    Ok(())
}

async fn ask(listen: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(listen).await?;
    let request = format!("GET /health HTTP/1.1\r\nHost: {listen}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
