//! Where the parts of a private cluster lie.
//!
//! ```text
//! <data_dir>/postgres/            0700, the server's account
//!                    /data        the cluster itself (PGDATA)
//!                    /data.new    a cluster half made; renamed when whole, discarded when found
//!                    /run         the socket
//! ```
//!
//! A unix socket's path holds at most 107 bytes. Where the data directory is too long, the socket lies in a short private
//! directory under `/tmp`, named after the cluster's identity so that a restart finds the same one.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use crate::account::Account;
use crate::address::{Address, PORT};
use crate::error::{Error, IoContext};

/// `sun_path` has 108 bytes, one of which ends it.
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// The folders of one cluster, and whose they are.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) home: PathBuf,
    pub(crate) account: Account,
    socket_dir: PathBuf,
    identity: String,
}

impl Layout {
    /// Makes the folders that are missing; `data_dir` itself included.
    pub(crate) fn prepare(data_dir: &Path) -> Result<Layout, Error> {
        fs::create_dir_all(data_dir).context("make the data directory", data_dir)?;
        let layout = Layout::locate(data_dir)?;
        private_dir(&layout.home, layout.account)?;
        private_dir(&layout.home.join("run"), layout.account)?;
        // The identity is the folder's own, so it can be read only now.
        Layout::locate(data_dir)
    }

    /// Looks, and makes nothing.
    pub(crate) fn locate(data_dir: &Path) -> Result<Layout, Error> {
        let data_dir = data_dir.canonicalize().context("resolve the data directory", data_dir)?;
        let home = data_dir.join("postgres");
        let account = Account::of(&home)?;
        let identity = match fs::metadata(&home) {
            Ok(found) => format!("revaer-{:x}-{:x}", found.dev(), found.ino()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::from("revaer-new"),
            Err(error) => return Err(error).context("look at", &home),
        };
        let inside = home.join("run");
        let fits = inside.join(socket_name()).as_os_str().len() <= SOCKET_PATH_BYTES_MAX;
        let socket_dir = if fits { inside } else { Path::new("/tmp").join(&identity) };
        Ok(Layout { home, account, socket_dir, identity })
    }

    /// The cluster itself.
    pub(crate) fn pgdata(&self) -> PathBuf {
        self.home.join("data")
    }

    /// What tells this cluster's processes from all others on the machine: they carry it on their command line.
    pub(crate) fn identity(&self) -> &str {
        &self.identity
    }

    pub(crate) fn address(&self) -> Address {
        Address::new(self.socket_dir.clone())
    }

    /// The socket's folder as the server names it: relative to PGDATA when it lies beside it, since the server may be unable
    /// to walk the absolute path.
    pub(crate) fn socket_dir_for_server(&self) -> &OsStr {
        if self.socket_is_outside() { self.socket_dir.as_os_str() } else { OsStr::new("../run") }
    }

    /// Makes the folder under `/tmp`, if the socket needs one. That folder is everybody's, so a taken name is refused.
    pub(crate) fn prepare_socket_dir(&self) -> Result<(), Error> {
        if self.socket_is_outside() { private_dir(&self.socket_dir, self.account) } else { Ok(()) }
    }

    /// Removes the folder under `/tmp` again. Best effort: an empty private folder harms nobody.
    pub(crate) fn remove_socket_dir(&self) {
        if self.socket_is_outside() {
            #[expect(clippy::disallowed_methods, reason = "the empty folder that we made for the socket")]
            let _ = fs::remove_dir(&self.socket_dir);
        }
    }

    fn socket_is_outside(&self) -> bool {
        !self.socket_dir.starts_with(&self.home)
    }

    /// The major version that made the cluster, or nothing if there is no (whole) cluster.
    pub(crate) fn cluster_major(&self) -> Result<Option<u32>, Error> {
        let path = self.pgdata().join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(text) => Ok(text.trim().parse().ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).context("read", &path),
        }
    }
}

fn socket_name() -> String {
    format!(".s.PGSQL.{PORT}")
}

/// Makes `path` a directory with mode 0700 that belongs to `account`, or sees that it is one.
fn private_dir(path: &Path, account: Account) -> Result<(), Error> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) if account.switch => {
            chown(path, Some(account.uid), Some(account.gid)).context("give away", path)?;
        }
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error).context("make", path),
    }
    // A symbolic link in a shared folder could point anywhere, so the name itself is looked at.
    let found = fs::symlink_metadata(path).context("look at", path)?;
    if !found.is_dir() {
        return Err(Error::SocketDirTaken { path: path.to_owned() });
    }
    if account.switch && found.uid() == 0 {
        // A crash came between making it and giving it away.
        chown(path, Some(account.uid), Some(account.gid)).context("give away", path)?;
    } else if found.uid() != account.uid {
        return Err(Error::SocketDirTaken { path: path.to_owned() });
    }
    if found.mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).context("close", path)?;
    }
    Ok(())
}

/// A directory as a server of another account is given it.
///
/// Root's folders are often closed to everybody else (`/root`, a private temporary folder), so the server could not walk
/// to a cluster inside them. It need not: it inherits an open descriptor, whose entry in `/proc/self/fd` leads to the
/// directory without walking the path.
pub(crate) struct Handed {
    path: PathBuf,
    _dir: Option<File>,
}

impl Handed {
    /// Opens `dir` for a program started before this value is dropped.
    pub(crate) fn to(account: Account, dir: &Path) -> Result<Handed, Error> {
        if !account.switch {
            return Ok(Handed { path: dir.to_owned(), _dir: None });
        }
        let open = File::open(dir).context("open", dir)?;
        rustix::io::fcntl_setfd(&open, rustix::io::FdFlags::empty()).context("hand over", dir)?;
        Ok(Handed { path: PathBuf::from(format!("/proc/self/fd/{}", open.as_raw_fd())), _dir: Some(open) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// The bytes of a path as one argument `name=path`.
pub(crate) fn assignment(name: &str, value: &OsStr) -> std::ffi::OsString {
    let mut argument = std::ffi::OsString::from(name);
    argument.push("=");
    argument.push(OsStr::from_bytes(value.as_bytes()));
    argument
}
