//! The folders that the service writes to: whether they are there, may be written, and have room.
//!
//! A folder on a network that does not answer blocks whoever asks. It is asked on a thread that may block, and not again before that
//! thread is back: one thread a folder is the most that such a disk can hold.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use revaer_domain::health::HealthState;
use rustix::fs::StatVfsMountFlags;
use tokio::task::JoinHandle;

use super::hysteresis::Hysteresis;

/// How long a disk may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// It has room again with so much more than the mark, in parts of it: a download that goes on would else come and go.
const ROOM_AGAIN: f64 = 1.1;

/// A folder that is looked at.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    /// What health calls it.
    pub(crate) component: String,
    /// Where it is.
    pub(crate) path: PathBuf,
}

/// How much room a folder has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) free_bytes: u64,
    pub(crate) size_bytes: u64,
    is_read_only: bool,
}

/// One folder, and what is known of it.
pub(super) struct Disk {
    pub(super) root: Root,
    pub(super) room: Option<Room>,
    low: Hysteresis,
    asking: Option<JoinHandle<io::Result<Room>>>,
}

impl Disk {
    pub(super) fn new(root: Root) -> Self {
        Self { root, room: None, low: Hysteresis::default(), asking: None }
    }

    /// Looks at it: how it is, and why.
    pub(super) async fn look(&mut self, free_bytes_min: u64) -> (HealthState, String) {
        let path = self.root.path.clone();
        let asking = self.asking.get_or_insert_with(|| tokio::task::spawn_blocking(move || room_of(&path)));
        let Ok(answered) = tokio::time::timeout(ANSWER_WITHIN, asking).await else {
            return self.ill(format!("{} does not answer", self.root.path.display()));
        };
        self.asking = None;
        match answered {
            Ok(Ok(room)) => self.judge(room, free_bytes_min),
            Ok(Err(error)) => self.ill(format!("{} cannot be looked at: {error}", self.root.path.display())),
            Err(error) => self.ill(error.to_string()),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a mark need not be right to the byte")]
    fn judge(&mut self, room: Room, free_bytes_min: u64) -> (HealthState, String) {
        let (free, min, path) = (room.free_bytes, free_bytes_min, self.root.path.display().to_string());
        // What is missing to the mark, so that more is worse.
        let missing = min as f64 - free as f64;
        let is_low = min > 0 && self.low.is_over(missing, 1.0, min as f64 * (1.0 - ROOM_AGAIN));
        let judged = if room.is_read_only {
            (HealthState::Degraded, format!("{path} is mounted read-only"))
        } else if is_low {
            (HealthState::Degraded, format!("{path} has {free} bytes left, and {min} are wanted"))
        } else {
            (HealthState::Well, String::new())
        };
        self.room = Some(room);
        judged
    }

    fn ill(&mut self, reason: String) -> (HealthState, String) {
        self.room = None;
        (HealthState::Degraded, reason)
    }
}

fn room_of(path: &Path) -> io::Result<Room> {
    let of = rustix::fs::statvfs(path)?;
    Ok(Room {
        free_bytes: of.f_bavail.saturating_mul(of.f_frsize),
        size_bytes: of.f_blocks.saturating_mul(of.f_frsize),
        is_read_only: of.f_flag.contains(StatVfsMountFlags::RDONLY),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk() -> Disk {
        Disk::new(Root { component: "disk.downloads".to_owned(), path: "/downloads".into() })
    }

    fn room(free_bytes: u64) -> Room {
        Room { free_bytes, size_bytes: 10_000, is_read_only: false }
    }

    #[test]
    fn disk_that_fills_up_is_degraded_until_it_has_room_to_spare() {
        let mut disk = disk();
        let states = [2000, 1000, 999, 1000, 1099, 1101, 1000].map(|free| disk.judge(room(free), 1000).0);
        let (well, low) = (HealthState::Well, HealthState::Degraded);
        assert_eq!(states, [well, well, low, low, low, well, well]);
    }

    #[test]
    fn reason_names_the_folder_and_both_numbers() {
        let (_, reason) = disk().judge(room(7), 1000);
        assert_eq!(reason, "/downloads has 7 bytes left, and 1000 are wanted");
        let (state, reason) = disk().judge(Room { is_read_only: true, ..room(5000) }, 1000);
        assert_eq!((state, reason.as_str()), (HealthState::Degraded, "/downloads is mounted read-only"));
    }

    #[test]
    fn no_mark_means_never_low() {
        assert_eq!(disk().judge(room(0), 0).0, HealthState::Well);
    }

    #[tokio::test]
    async fn folder_that_goes_away_is_told_and_recovers_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("library");
        let mut disk = Disk::new(Root { component: "disk.library".to_owned(), path: path.clone() });
        let (state, reason) = disk.look(1).await;
        assert_eq!(state, HealthState::Degraded);
        assert!(reason.contains("library cannot be looked at"), "{reason}");
        std::fs::create_dir(&path).unwrap();
        assert_eq!(disk.look(1).await, (HealthState::Well, String::new()));
        assert!(disk.room.as_ref().is_some_and(|room| room.free_bytes > 0));
    }
}
