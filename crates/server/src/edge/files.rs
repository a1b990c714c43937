//! Tells when files may have changed, by inotify on the folders that they are in.
//!
//! Not on the files: those that replace a certificate write a new file and rename it, or turn a link round, and a watch of the
//! old file would see its end and nothing more.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// What can make a file another one.
const CHANGES: WatchFlags = WatchFlags::CLOSE_WRITE
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::CREATE)
    .union(WatchFlags::DELETE);

/// A watch of some files.
pub(super) struct FileWatch(AsyncFd<OwnedFd>);

impl FileWatch {
    /// Watches from now on.
    #[expect(
        deprecated,
        reason = "its successor is unsafe, for descriptors that may close early; an owned one cannot"
    )]
    pub(super) fn of(files: &[&Path]) -> io::Result<Self> {
        let descriptor = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        for file in files {
            let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
            inotify::add_watch(&descriptor, folder.unwrap_or(Path::new(".")), CHANGES)?;
        }
        Ok(Self(AsyncFd::with_interest(descriptor, Interest::READABLE)?))
    }

    /// Waits for the next change in one of the folders; what it is does not matter.
    pub(super) async fn changed(&mut self) {
        let mut unread = [0; 4096];
        let read = self.0.async_io_mut(Interest::READABLE, |descriptor| {
            Ok(rustix::io::read(&*descriptor, &mut unread[..])?)
        });
        if read.await.is_err() {
            // A folder that cannot be watched any more changes no more, as far as we can know.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const BOUND: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn file_that_is_written_replaced_or_linked_anew_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.pem");
        std::fs::write(&file, "old").unwrap();
        let mut watch = FileWatch::of(&[&file]).unwrap();
        std::fs::write(&file, "new").unwrap();
        tokio::time::timeout(BOUND, watch.changed()).await.expect("written in place");

        let mut watch = FileWatch::of(&[&file]).unwrap();
        tempfile::NamedTempFile::new_in(folder.path()).unwrap().persist(&file).unwrap();
        tokio::time::timeout(BOUND, watch.changed()).await.expect("replaced");

        let mut watch = FileWatch::of(&[&file]).unwrap();
        std::os::unix::fs::symlink("a.pem", folder.path().join("..data")).unwrap();
        tokio::time::timeout(BOUND, watch.changed()).await.expect("a link turned round beside it");
    }

    #[tokio::test]
    async fn folder_that_is_not_there_cannot_be_watched() {
        assert!(FileWatch::of(&[Path::new("/nowhere/at/all.pem")]).is_err());
    }
}
