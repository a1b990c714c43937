//! The account that the server runs as.
//!
//! PostgreSQL refuses to run as root, so root gives the cluster to an unprivileged account and starts the server as that.
//! An ordinary user simply is that account. No privilege is ever gained here, only dropped.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::error::{Error, IoContext};

/// Accounts that root may hand the cluster to, best first.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

/// An account of the system, by its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Whether we are root and have to become this account.
    pub(crate) switch: bool,
}

impl Account {
    /// The account that owns the cluster in `home`, or that shall own it if there is none yet.
    pub(crate) fn of(home: &Path) -> Result<Account, Error> {
        let own = rustix::process::geteuid();
        let owner = match fs::metadata(home) {
            Ok(found) => Some((found.uid(), found.gid())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).context("look at", home),
        };
        if !own.is_root() {
            let own = own.as_raw();
            return match owner {
                Some((uid, _)) if uid != own => Err(Error::NotOwned { path: home.to_owned(), owner: uid }),
                _ => Ok(Account { uid: own, gid: rustix::process::getegid().as_raw(), switch: false }),
            };
        }
        // A cluster made by an ordinary user, and now started by root, stays that user's.
        if let Some((uid, gid)) = owner
            && uid != 0
        {
            return Ok(Account { uid, gid, switch: true });
        }
        let passwd = Path::new("/etc/passwd");
        let accounts = fs::read_to_string(passwd).context("read", passwd)?;
        let found = CANDIDATES.iter().find_map(|name| ids(&accounts, name));
        let (uid, gid) = found.ok_or(Error::NoUnprivilegedAccount)?;
        Ok(Account { uid, gid, switch: true })
    }
}

/// Finds an account by name in the text of `/etc/passwd`; root by another name does not count.
fn ids(passwd: &str, name: &str) -> Option<(u32, u32)> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then_some(())?;
        let uid = fields.nth(1)?.parse().ok().filter(|&uid| uid != 0)?;
        Some((uid, fields.next()?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_is_found_by_its_whole_name() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\npostgresql:x:7:7::/:\npostgres:x:101:104:admin,,,:/var:/bin/bash\n";
        assert_eq!(ids(passwd, "postgres"), Some((101, 104)));
        assert_eq!(ids(passwd, "nobody"), None);
        assert_eq!(ids(passwd, "root"), None, "root is never an unprivileged account");
    }
}
