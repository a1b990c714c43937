//! Where a private cluster is reached.
//!
//! A directory, never a host: the socket's file mode is the whole access control, so there is no password to keep or leak.

use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The port, which over a unix socket is just a part of the socket's file name.
pub(crate) const PORT: u16 = 5432;
/// The role that owns the cluster.
pub(crate) const USER: &str = "revaer";
/// The one database that is made with the cluster.
pub(crate) const DATABASE: &str = "revaer";

/// Where a private cluster listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    socket_dir: PathBuf,
}

impl Address {
    pub(crate) fn new(socket_dir: PathBuf) -> Address {
        Address { socket_dir }
    }

    /// The directory that holds the socket.
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// The number in the socket's name; no TCP port.
    pub fn port(&self) -> u16 {
        PORT
    }

    /// The role to connect as.
    pub fn user(&self) -> &'static str {
        USER
    }

    /// The database of the service.
    pub fn database(&self) -> &'static str {
        DATABASE
    }

    /// The connection string of the service's database.
    pub fn url(&self) -> String {
        self.url_of(DATABASE)
    }

    /// The connection string of another database of the cluster.
    pub fn url_of(&self, database: &str) -> String {
        format!(
            "postgres:///{}?host={}&port={PORT}&user={USER}",
            percent_encoded(database.as_bytes()),
            percent_encoded(self.socket_dir.as_os_str().as_bytes())
        )
    }
}

fn percent_encoded(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len()), |mut text, &byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").expect("writing to a string cannot fail");
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_encodes_what_a_path_may_hold() {
        let address = Address::new(PathBuf::from("/srv/my data & 100%/größe?"));
        assert_eq!(
            address.url(),
            "postgres:///revaer?host=/srv/my%20data%20%26%20100%25/gr%C3%B6%C3%9Fe%3F&port=5432&user=revaer"
        );
    }
}
