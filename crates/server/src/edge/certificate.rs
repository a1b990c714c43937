//! Where the certificate comes from, reading it, and judging one before it is set.

use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use revaer_api::{BadCertificate, Certificate};
use revaer_application::{CertificateFault, CertificateJudge};
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
    /// The settings themselves, with the private key among their secrets.
    Inline {
        /// The certificate and its chain, in PEM.
        certificate: String,
    },
    /// One of the two is missing.
    Half,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    /// One is set without the other.
    #[error("a certificate and its private key need each other")]
    Half,
    /// A file cannot be read.
    #[error("{} cannot be read", path.display())]
    File {
        /// The key that names it.
        pointer: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The private key among the secrets cannot be read: the database is away, or it was sealed under another key.
    #[error("the private key of the settings cannot be read")]
    Secret,
    /// What was read is no certificate with its key.
    #[error("{place}")]
    Bad {
        /// The key that gives the certificate.
        pointer: &'static str,
        /// The file of the certificate, or that it is the one of the settings.
        place: String,
        /// Why.
        #[source]
        source: BadCertificate,
    },
}

impl Unusable {
    /// What is wrong, with its cause.
    pub(super) fn reason(&self) -> String {
        let cause = std::error::Error::source(self).map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{self}{cause}")
    }

    const fn pointer(&self) -> &'static str {
        match self {
            Self::File { pointer, .. } | Self::Bad { pointer, .. } => pointer,
            Self::Half | Self::Secret => "/http/tls/key",
        }
    }
}

impl Source {
    /// What the settings say.
    pub(super) fn of(tls: &TlsSettings) -> Self {
        match (&tls.certificate_file, &tls.key_file, &tls.certificate, &tls.key) {
            (None, None, None, None) => Self::None,
            (Some(certificate), Some(key), None, None) => {
                Self::Files { certificate: certificate.into(), key: key.into() }
            }
            (None, None, Some(certificate), Some(_)) => Self::Inline { certificate: certificate.clone() },
            _ => Self::Half,
        }
    }

    /// Reads it; `secret` is the private key among the secrets of the settings, if they have one and it can be read.
    pub(super) async fn load(&self, secret: Option<&str>) -> Result<Option<Certificate>, Unusable> {
        let (pointer, place, chain, key) = match self {
            Self::None => return Ok(None),
            Self::Half => return Err(Unusable::Half),
            Self::Files { certificate, key } => {
                let chain = read("/http/tls/certificate_file", certificate).await?;
                let key = read("/http/tls/key_file", key).await?;
                ("/http/tls/certificate_file", certificate.display().to_string(), chain, key)
            }
            Self::Inline { certificate } => {
                let key = secret.ok_or(Unusable::Secret)?;
                let place = "the certificate of the settings".to_owned();
                ("/http/tls/certificate", place, certificate.clone().into_bytes(), key.as_bytes().to_vec())
            }
        };
        Certificate::of_pem(&chain, &key).map(Some).map_err(|source| Unusable::Bad { pointer, place, source })
    }
}

/// Judges by what the edge would show.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct EdgeJudge;

#[async_trait]
impl CertificateJudge for EdgeJudge {
    async fn judge(&self, tls: &TlsSettings, key: Option<&str>) -> Result<(), CertificateFault> {
        let loaded = Source::of(tls).load(key).await;
        loaded
            .map(drop)
            .map_err(|error| CertificateFault { pointer: error.pointer(), detail: error.reason() })
    }
}

async fn read(pointer: &'static str, path: &Path) -> Result<Vec<u8>, Unusable> {
    let unreadable = |source| Unusable::File { pointer, path: path.to_owned(), source };
    // To open a pipe would wait for whoever writes into it.
    if !tokio::fs::metadata(path).await.map_err(unreadable)?.is_file() {
        return Err(unreadable(io::Error::new(io::ErrorKind::InvalidInput, "is no regular file")));
    }
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
        let load = |tls: TlsSettings| async move { Source::of(&tls).load(None).await };
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
        let pipe = folder.path().join("pipe");
        let made = rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0);
        made.unwrap();
        assert!(
            matches!(load(tls(Some(&pipe), Some(&key))).await, Err(Unusable::File { path, .. }) if path == pipe),
            "nobody writes into it"
        );
    }

    #[tokio::test]
    async fn certificate_of_the_settings_is_judged_with_its_key() {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let fingerprint = "0123456789abcdef".parse().unwrap();
        let inline = TlsSettings {
            certificate: Some(cert.pem()),
            key: Some(revaer_domain::settings::SecretRef { fingerprint }),
            ..TlsSettings::default()
        };
        let key = signing_key.serialize_pem();
        let judge =
            async |tls: &TlsSettings, key| EdgeJudge.judge(tls, key).await.map_err(|fault| fault.pointer);
        assert_eq!(judge(&inline, Some(&key)).await, Ok(()));
        assert_eq!(judge(&inline, None).await, Err("/http/tls/key"));
        assert_eq!(judge(&inline, Some("no key")).await, Err("/http/tls/certificate"));
        let both = TlsSettings { certificate_file: Some("/a.pem".to_owned()), ..inline };
        assert!(judge(&both, Some(&key)).await.is_err());
        assert_eq!(judge(&TlsSettings::default(), None).await, Ok(()));
    }
}
