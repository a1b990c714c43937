//! Where the certificate comes from, and reading it.

use std::io;
use std::path::{Path, PathBuf};

use revaer_api::{BadCertificate, Certificate};
use revaer_domain::settings::TlsSettings;
use tokio::fs::File;
use tokio::io::AsyncReadExt;

/// The largest file that is read: a chain has some kilobytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Where the certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// There is none.
    None,
    /// Files.
    Files {
        /// The certificate and its chain.
        certificate: PathBuf,
        /// Its private key.
        key: PathBuf,
    },
    /// One of the two is missing.
    Half,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    /// One is set without the other.
    #[error("`http.tls.certificate_file` and `http.tls.key_file` need each other")]
    Half,
    /// A file cannot be read.
    #[error("{} cannot be read", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What was read is no certificate with its key.
    #[error("{}", path.display())]
    Bad {
        /// The certificate's.
        path: PathBuf,
        /// Why.
        #[source]
        source: BadCertificate,
    },
}

impl Source {
    /// What the settings say.
    pub(super) fn of(tls: &TlsSettings) -> Self {
        match (&tls.certificate_file, &tls.key_file) {
            (None, None) if tls.certificate.is_none() && tls.key.is_none() => Self::None,
            (Some(certificate), Some(key)) => {
                Self::Files { certificate: certificate.into(), key: key.into() }
            }
            _ => Self::Half,
        }
    }

    /// Reads it.
    pub(super) async fn load(&self) -> Result<Option<Certificate>, Unusable> {
        let (certificate, key) = match self {
            Self::None => return Ok(None),
            Self::Half => return Err(Unusable::Half),
            Self::Files { certificate, key } => (certificate, key),
        };
        let (chain, secret) = (read(certificate).await?, read(key).await?);
        Certificate::of_pem(&chain, &secret)
            .map(Some)
            .map_err(|source| Unusable::Bad { path: certificate.clone(), source })
    }
}

async fn read(path: &Path) -> Result<Vec<u8>, Unusable> {
    let unreadable = |source| Unusable::File { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).await.map_err(unreadable)?;
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).await.map_err(unreadable)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertifiedKey, generate_simple_self_signed};

    use super::*;

    fn tls(certificate: Option<&Path>, key: Option<&Path>) -> TlsSettings {
        let text = |path: &Path| path.display().to_string();
        TlsSettings {
            certificate_file: certificate.map(text),
            key_file: key.map(text),
            ..TlsSettings::default()
        }
    }

    #[tokio::test]
    async fn certificate_is_read_from_its_files_and_each_mistake_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (chain, key) = (folder.path().join("chain.pem"), folder.path().join("key.pem"));
        let load = |tls: TlsSettings| async move { Source::of(&tls).load().await };
        assert!(load(tls(None, None)).await.unwrap().is_none());
        assert!(matches!(load(tls(Some(&chain), None)).await, Err(Unusable::Half)));
        assert!(
            matches!(load(tls(Some(&chain), Some(&key))).await, Err(Unusable::File { path, .. }) if path == chain)
        );
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(&chain, cert.pem()).unwrap();
        std::fs::write(&key, "no key").unwrap();
        assert!(matches!(load(tls(Some(&chain), Some(&key))).await, Err(Unusable::Bad { .. })));
        std::fs::write(&key, signing_key.serialize_pem()).unwrap();
        assert!(load(tls(Some(&chain), Some(&key))).await.unwrap().is_some());
    }
}
