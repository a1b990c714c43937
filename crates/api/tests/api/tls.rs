//! TLS over real sockets: what is spoken to whom, and certificates that change while connections stand.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use revaer_api::{BadCertificate, Certificate, Limits, Tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::connections::listen;
use crate::world::World;

/// A certificate of this machine, its own authority.
struct Made {
    chain: String,
    key: String,
    der: CertificateDer<'static>,
}

fn make() -> Made {
    let names = vec!["localhost".to_owned()];
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).expect("can be made");
    Made { chain: cert.pem(), key: signing_key.serialize_pem(), der: cert.der().clone() }
}

impl Made {
    fn certificate(&self) -> Certificate {
        Certificate::of_pem(self.chain.as_bytes(), self.key.as_bytes()).expect("is usable")
    }

    /// Connects as a client that trusts this certificate and no other.
    async fn connect(&self, address: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).expect("is a certificate");
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(address).await?;
        let name = ServerName::try_from("localhost").expect("a name");
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }
}

const HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n";

async fn ask(stream: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin)) -> String {
    stream.write_all(HEALTH).await.expect("writes");
    let mut received = Vec::new();
    // The answer has no line break of its own, so its end is the end of the JSON.
    while !received.ends_with(b"}") {
        let mut byte = [0];
        stream.read_exact(&mut byte).await.expect("reads");
        received.push(byte[0]);
    }
    String::from_utf8(received).expect("UTF-8")
}

async fn world_with(tls: Tls) -> (World, SocketAddr, watch::Sender<Tls>) {
    let world = World::new().await;
    let (change, tls) = watch::channel(tls);
    let address = listen(&world, Limits::default(), tls).await;
    (world, address, change)
}

#[tokio::test]
async fn answers_over_tls_insist_on_it() {
    let made = make();
    let (_world, address, _change) = world_with(Tls::On(made.certificate())).await;
    let answer = ask(&mut made.connect(address).await.expect("shakes hands")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("strict-transport-security: max-age="), "{answer}");
}

#[tokio::test]
async fn this_machine_may_speak_plain_http_too_and_is_not_told_to_insist() {
    let (_world, address, _change) = world_with(Tls::On(make().certificate())).await;
    let answer = ask(&mut TcpStream::connect(address).await.expect("connects")).await;
    assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains("strict-transport-security"), "{answer}");
}

#[tokio::test]
async fn new_certificate_is_shown_to_new_connections_and_old_ones_go_on() {
    let (old, new) = (make(), make());
    let (_world, address, change) = world_with(Tls::On(old.certificate())).await;
    let mut standing = old.connect(address).await.expect("shakes hands");
    ask(&mut standing).await;
    change.send_replace(Tls::On(new.certificate()));
    assert!(old.connect(address).await.is_err(), "the old one is shown no more");
    ask(&mut new.connect(address).await.expect("shakes hands")).await;
    assert!(ask(&mut standing).await.starts_with("HTTP/1.1 200"), "nobody is cut off");
}

#[tokio::test]
async fn without_a_usable_certificate_this_machine_is_served_to_repair_it() {
    let (_world, address, _change) = world_with(Tls::Unusable).await;
    let answer = ask(&mut TcpStream::connect(address).await.expect("connects")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn certificate_that_is_none_says_what_is_wrong() {
    let (one, other) = (make(), make());
    let of = |chain: &str, key: &str| Certificate::of_pem(chain.as_bytes(), key.as_bytes());
    assert!(matches!(of("", &one.key), Err(BadCertificate::Empty)));
    assert!(matches!(of("-----BEGIN CERTIFICATE-----\n*\n", &one.key), Err(BadCertificate::Chain(_))));
    assert!(matches!(of(&one.chain, "no key"), Err(BadCertificate::Key(_))));
    assert!(matches!(of(&one.chain, &other.key), Err(BadCertificate::Pair(_))));
    let shown = format!("{:?}", of(&one.chain, &one.key));
    assert!(!shown.contains("PRIVATE"), "{shown}");
}
