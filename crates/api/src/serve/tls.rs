//! Certificates, and whether TLS is spoken at all.

use std::fmt;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

/// What is spoken.
#[derive(Debug, Clone, Default)]
pub enum Tls {
    /// Plain HTTP.
    #[default]
    Off,
    /// TLS; on loopback plain HTTP too, told apart by the first byte, since nobody listens in between there.
    On(Certificate),
    /// TLS is asked for and no certificate is usable: nobody beyond this machine is served, so that nothing goes in the clear,
    /// and whoever is on this machine can repair it.
    Unusable,
}

/// A certificate with its key, ready to be shown.
#[derive(Clone)]
pub struct Certificate(Arc<ServerConfig>);

/// Why a certificate is not usable.
#[derive(Debug, thiserror::Error)]
pub enum BadCertificate {
    /// The chain is no PEM with certificates.
    #[error("the certificate does not parse")]
    Chain(#[source] pem::Error),
    /// The chain is empty.
    #[error("there is no certificate in it")]
    Empty,
    /// The key is no PEM with a private key.
    #[error("the private key does not parse")]
    Key(#[source] pem::Error),
    /// They do not belong together, or are of a kind that is not known.
    #[error("the certificate and the private key do not go together")]
    Pair(#[source] rustls::Error),
}

impl Certificate {
    /// Reads a chain, the certificate itself first, and its private key, both in PEM.
    pub fn of_pem(chain: &[u8], key: &[u8]) -> Result<Self, BadCertificate> {
        let chain: Vec<_> =
            CertificateDer::pem_slice_iter(chain).collect::<Result<_, _>>().map_err(BadCertificate::Chain)?;
        if chain.is_empty() {
            return Err(BadCertificate::Empty);
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(BadCertificate::Key)?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider has what the default versions need")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(BadCertificate::Pair)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0)
    }
}

/// Nothing of a key.
impl fmt::Debug for Certificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Certificate")
    }
}
