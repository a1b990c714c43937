//! One connection: the handshake, its requests one after the other, and an end that lets the client read the last answer.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use poem::endpoint::BoxEndpoint;
use poem::http::uri::Scheme;
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Endpoint, Request, Response};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::admission::Place;
use super::tls::Tls;
use super::watched::Watched;
use crate::Limits;
use crate::metrics::Counted;

/// What is buffered of a head that is still being read. Beyond the bound of the headers, so that those that are a little too
/// large get a problem; whoever goes on beyond this gets a bare 431.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// The most headers of a request, within the bound of their bytes.
const HEADERS_MAX: usize = 100;
/// How long a client may go on sending after the last answer. Closed at once, the system would throw away what the client has
/// not read yet, and that may be the problem that says why.
const LINGER: Duration = Duration::from_secs(2);
/// How long the system tries to bring something to a client that does not confirm it.
const UNCONFIRMED_MILLISECONDS_MAX: u32 = 60_000;
/// The first byte of a TLS record with a handshake (RFC 8446, 5.1). No HTTP request begins so.
const HANDSHAKE: u8 = 0x16;

/// A connection that was accepted.
pub(super) struct Connection {
    pub(super) socket: TcpStream,
    pub(super) peer: SocketAddr,
    pub(super) service: Arc<BoxEndpoint<'static, Response>>,
    pub(super) limits: Arc<Limits>,
    pub(super) tls: Tls,
    pub(super) shutdown: CancellationToken,
    /// Its place among all, kept to its end.
    pub(super) place: Place,
    /// The same for whoever looks.
    pub(super) counted: Counted,
}

/// What is served on a connection once it is known what is spoken.
struct Talk {
    peer: SocketAddr,
    local: Option<SocketAddr>,
    scheme: Scheme,
    service: Arc<BoxEndpoint<'static, Response>>,
    limits: Arc<Limits>,
    shutdown: CancellationToken,
}

impl Connection {
    pub(super) async fn run(self) {
        let Self { socket, peer, service, limits, tls, shutdown, place: _place, counted: _counted } = self;
        // Without these a connection is slower to answer and slower to be found dead, and works.
        let _ = socket.set_nodelay(true);
        let _ = rustix::net::sockopt::set_tcp_user_timeout(&socket, UNCONFIRMED_MILLISECONDS_MAX);
        let local = socket.local_addr().ok();
        let mut talk = Talk { peer, local, scheme: Scheme::HTTP, service, limits, shutdown };
        let certificate = match tls {
            Tls::Off => return talk.over(socket).await,
            Tls::Unusable if peer.ip().is_loopback() => return talk.over(socket).await,
            Tls::Unusable => return,
            Tls::On(certificate) => certificate,
        };
        // A client that says nothing is the same as one whose headers do not come.
        let handshake = async {
            if peer.ip().is_loopback() && !begins_handshake(&socket).await {
                return Err(Some(socket));
            }
            TlsAcceptor::from(certificate.config()).accept(socket).await.map_err(|_| None)
        };
        match timeout(talk.limits.header_timeout, handshake).await {
            Ok(Ok(stream)) => {
                talk.scheme = Scheme::HTTPS;
                talk.over(stream).await;
            }
            Ok(Err(Some(plain))) => talk.over(plain).await,
            // Scanners and clients that do not trust the certificate: their affair.
            Ok(Err(None)) | Err(_) => tracing::debug!(%peer, "no handshake"),
        }
    }
}

async fn begins_handshake(socket: &TcpStream) -> bool {
    let mut first = [0];
    matches!(socket.peek(&mut first).await, Ok(1)) && first[0] == HANDSHAKE
}

impl Talk {
    async fn over<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(self, stream: S) {
        let Self { peer, local, scheme, service, limits, shutdown } = self;
        let local = LocalAddr(local.map_or_else(Addr::default, Addr::SocketAddr));
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let remote = RemoteAddr(Addr::SocketAddr(peer));
            let request = Request::from((request, local.clone(), remote, scheme.clone()));
            let service = Arc::clone(&service);
            Box::pin(async move {
                Ok::<_, Infallible>(hyper::Response::from(service.get_response(request).await))
            })
        });
        let stream = TokioIo::new(Watched::new(stream, limits.write_timeout));
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_timeout)
            .max_buf_size(HEAD_BYTES_MAX)
            .max_headers(HEADERS_MAX)
            .serve_connection(stream, service);
        let ended = tokio::select! {
            ended = poll_fn(|context| connection.poll_without_shutdown(context)) => ended,
            () = shutdown.cancelled() => {
                Pin::new(&mut connection).graceful_shutdown();
                poll_fn(|context| connection.poll_without_shutdown(context)).await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "a connection ended badly");
        }
        // Whatever comes of it: everything was answered.
        let _ = timeout(LINGER, linger(connection.into_parts().io.into_inner())).await;
    }
}

/// Says that nothing more comes, and waits until the client has nothing more to say either.
async fn linger(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> std::io::Result<()> {
    stream.shutdown().await?;
    let mut unread = [0; 4096];
    while stream.read(&mut unread).await? > 0 {}
    Ok(())
}
