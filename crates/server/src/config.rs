//! What the service is told at its start: checked once, passed on as values.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use revaer_application::Override;
use revaer_domain::settings::EngineSettings;

use crate::exit::Fault;
use crate::logging::Level;
use crate::supervisor::Supervisor;

/// Where the API listens unless a flag or a setting says otherwise.
pub(crate) const LISTEN_DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7070);

/// The choices of whoever starts the service.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// Holds the private PostgreSQL and the downloads.
    pub(crate) data_dir: PathBuf,
    /// A database that is there already.
    pub(crate) database_url: Option<String>,
    /// How long a database that is away at the start is waited for.
    pub(crate) database_wait: Duration,
    /// Where the API listens, whatever the settings say.
    pub(crate) listen: Option<SocketAddr>,
    /// What wins over the settings.
    pub(crate) overrides: Vec<Override>,
    /// Holds a token that completes the setup, also from elsewhere.
    pub(crate) setup_token_file: Option<PathBuf>,
    /// Changes how much is logged.
    pub(crate) log_level: Level,
    /// Whoever wants to know that the service serves.
    pub(crate) supervisor: Supervisor,
}

impl Config {
    /// Refuses what would be unsafe. Until there is a key nobody beyond this machine may ask for anything; the token of a file
    /// is as good as a key, and whoever has it may set the service up from elsewhere.
    pub(crate) fn check_listen(&self, address: SocketAddr, is_set_up: bool) -> Result<(), Fault> {
        if address.ip().is_loopback() || is_set_up || self.setup_token_file.is_some() {
            Ok(())
        } else {
            Err(Fault::Usage(format!(
                "{} {address}: only a loopback address is allowed, such as 127.0.0.1:7070, until the setup is complete; \
                 run `revaer setup complete` on this machine first, or give --setup-token-file",
                self.listen_name()
            )))
        }
    }

    /// What says where to listen.
    pub(crate) const fn listen_name(&self) -> &'static str {
        if self.listen.is_some() { "--listen" } else { "the setting http.listen" }
    }

    /// Where the files go.
    pub(crate) fn download_root(&self, settings: &EngineSettings) -> PathBuf {
        settings.download_root.as_ref().map_or_else(|| self.data_dir.join("downloads"), PathBuf::from)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn config(listen: Option<&str>, setup_token_file: Option<&str>) -> Config {
        Config {
            data_dir: PathBuf::new(),
            database_url: None,
            database_wait: Duration::ZERO,
            listen: listen.map(|address| address.parse().expect("an address")),
            overrides: Vec::new(),
            setup_token_file: setup_token_file.map(PathBuf::from),
        }
    }

    #[rstest]
    #[case::loopback("127.0.0.2:1", false, None, true)]
    #[case::loopback_of_version_6("[::1]:1", false, None, true)]
    #[case::beyond("0.0.0.0:1", false, None, false)]
    #[case::set_up("0.0.0.0:1", true, None, true)]
    #[case::token_of_a_file("0.0.0.0:1", false, Some("token"), true)]
    fn nobody_listens_beyond_loopback_before_there_is_a_key(
        #[case] address: &str,
        #[case] is_set_up: bool,
        #[case] token: Option<&str>,
        #[case] is_allowed: bool,
    ) {
        let address = address.parse().expect("an address");
        assert_eq!(config(None, token).check_listen(address, is_set_up).is_ok(), is_allowed);
    }

    #[rstest]
    #[case::flag(Some("0.0.0.0:1"), "--listen 0.0.0.0:1: only a loopback")]
    #[case::setting(None, "the setting http.listen 0.0.0.0:1: only a loopback")]
    fn refusal_says_what_asked_for_the_address(#[case] flag: Option<&str>, #[case] words: &str) {
        let refused = config(flag, None).check_listen("0.0.0.0:1".parse().expect("an address"), false);
        assert!(refused.is_err_and(|fault| fault.to_string().starts_with(words)));
    }

    #[test]
    fn default_is_that_of_the_settings() {
        let of_settings = revaer_domain::settings::Settings::default().http.listen;
        assert_eq!(of_settings, LISTEN_DEFAULT.to_string());
    }
}
