//! Where the API listens: where a flag says, or else where the settings do.
//!
//! A flag is known before the database is, and a port that is taken is quicker to find than a database is to start; the settings lie
//! in the database.

use std::net::SocketAddr;

use anyhow::Context;
use revaer_domain::settings::HttpSettings;
use tokio::net::TcpListener;

use crate::config::Config;

/// Listens at an address.
pub(crate) async fn at(config: &Config, address: SocketAddr) -> anyhow::Result<TcpListener> {
    let name = config.listen_name();
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address} ({name})"))
}

/// Where the API listens: where it does already, or where the settings say. Refused beyond loopback before there is a key.
pub(crate) async fn settled(
    listener: Option<TcpListener>,
    config: &Config,
    settings: &HttpSettings,
    is_set_up: bool,
) -> anyhow::Result<TcpListener> {
    let address = settings.listen.parse().context("the setting http.listen is no address")?;
    config.check_listen(address, is_set_up)?;
    match listener {
        Some(listener) => Ok(listener),
        None => at(config, address).await,
    }
}
