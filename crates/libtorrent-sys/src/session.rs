//! The session: every method takes `&self` and is keyed by a number of ours.
//!
//! libtorrent's handles post to its own network thread; the map from number to handle lies behind a mutex on the C++ side.

use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;

use crate::add::{AddTorrent, RemoveFiles, SaveResume, limit};
use crate::error::Error;
use crate::ffi::bridge;
use crate::flags::TorrentFlags;
use crate::metainfo::FileEntry;
use crate::pump::Pump;
use crate::range::AddressRange;
use crate::setting::Setting;
use crate::status::Status;

// SAFETY: the C++ object is immutable but for what its own mutex guards and for calls into `lt::session` and
// `lt::torrent_handle`, which libtorrent documents as safe from any thread.
unsafe impl Send for bridge::Session {}
// SAFETY: as above.
unsafe impl Sync for bridge::Session {}
// SAFETY: the pump is used by one owner at a time (`&mut`) and holds no thread-local state.
unsafe impl Send for bridge::Pump {}

/// A libtorrent session.
#[derive(Clone)]
pub struct Session {
    inner: cxx::SharedPtr<bridge::Session>,
    /// libtorrent writes to it until the session has ended.
    _wakeup: Arc<OwnedFd>,
}

/// How a tracker is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrackerStatus {
    /// Not asked yet.
    NotContacted,
    /// It answers.
    Working,
    /// It is being asked.
    Updating,
    /// It does not answer, or refuses.
    Failing,
}

/// A tracker of a torrent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracker {
    /// Announce URL.
    pub url: String,
    /// 0 first (BEP 12).
    pub tier: u32,
    /// How it is doing.
    pub status: TrackerStatus,
    /// What it, or the network, said last; empty for nothing.
    pub message: String,
}

/// A connected peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// `address:port`.
    pub address: String,
    /// What it calls itself.
    pub client: String,
    /// What it has, in millionths.
    pub progress_ppm: u32,
    /// Payload from it.
    pub download_bytes_per_second: u64,
    /// Payload to it.
    pub upload_bytes_per_second: u64,
    /// Whether it has everything.
    pub is_seed: bool,
}

macro_rules! forward {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name(&self, key: u64) -> Result<(), Error> {
            Ok(self.raw().$name(key)?)
        }
    )*};
}

impl Session {
    /// Starts a session with these settings over libtorrent's defaults, and with a state that was saved before.
    pub fn start(settings: &[Setting], state: Option<&[u8]>) -> Result<(Self, Pump), Error> {
        let flags = rustix::event::EventfdFlags::NONBLOCK | rustix::event::EventfdFlags::CLOEXEC;
        let wakeup = rustix::event::eventfd(0, flags)
            .map_err(|error| Error::new("system", error.raw_os_error(), error.to_string()))?;
        let wakeup = Arc::new(wakeup);
        let inner = bridge::session_start(&raw(settings), state.unwrap_or_default(), wakeup.as_raw_fd())?;
        let pump = Pump::new(bridge::pump_of(&inner)?, wakeup.clone());
        Ok((Self { inner, _wakeup: wakeup }, pump))
    }

    fn raw(&self) -> &bridge::Session {
        self.inner.as_ref().expect("a session is never made from a null pointer")
    }

    /// Changes settings; unknown names and wrong types change nothing.
    pub fn apply_settings(&self, settings: &[Setting]) -> Result<(), Error> {
        Ok(self.raw().apply_settings(&raw(settings))?)
    }

    /// An integer setting as it is now.
    pub fn int_setting(&self, name: &str) -> Result<i64, Error> {
        Ok(self.raw().int_setting(name)?)
    }

    /// A boolean setting as it is now.
    pub fn bool_setting(&self, name: &str) -> Result<bool, Error> {
        Ok(self.raw().bool_setting(name)?)
    }

    /// A text as it is now.
    pub fn text_setting(&self, name: &str) -> Result<String, Error> {
        Ok(self.raw().text_setting(name)?)
    }

    /// The session's own state (DHT and extensions), for the next start.
    pub fn save_state(&self) -> Result<Vec<u8>, Error> {
        Ok(self.raw().save_state()?)
    }

    /// Whether rate limits bind peers with local addresses too. Counts for new connections.
    pub fn limit_local_peers(&self, on: bool) -> Result<(), Error> {
        Ok(self.raw().limit_local_peers(on)?)
    }

    /// Lets go of peers with local addresses within a second, so that they connect again, under the limits as they are now.
    pub fn reconnect_local_peers(&self) -> Result<(), Error> {
        Ok(self.raw().reconnect_local_peers()?)
    }

    /// Replaces the addresses that nobody may be connected to; those that are connected are let go of.
    pub fn set_ip_filter(&self, blocked: &[AddressRange]) -> Result<(), Error> {
        let blocked: Vec<_> = blocked.iter().map(AddressRange::raw).collect();
        Ok(self.raw().set_ip_filter(&blocked)?)
    }

    /// Adds a torrent under a number that is not zero. One that is there already is an error. Where the add says priorities,
    /// those of its resume data are given back; libtorrent leaves out what is as usual at their end.
    pub fn add(&self, key: u64, torrent: &AddTorrent) -> Result<Vec<u8>, Error> {
        Ok(self.raw().add(key, &torrent.raw())?)
    }

    /// Takes a torrent out; `EventKind::Removed` says when.
    pub fn remove(&self, key: u64, files: RemoveFiles) -> Result<(), Error> {
        Ok(self.raw().remove(key, files == RemoveFiles::Delete)?)
    }

    /// Sets the flags of `mask` to their values in `flags`.
    pub fn set_flags(&self, key: u64, flags: TorrentFlags, mask: TorrentFlags) -> Result<(), Error> {
        Ok(self.raw().set_flags(key, flags.0, mask.0)?)
    }

    /// Stands still. libtorrent's queue restarts a torrent that is `AUTO_MANAGED`: unset that first with
    /// [`Session::set_flags`].
    pub fn pause(&self, key: u64) -> Result<(), Error> {
        self.set_flags(key, TorrentFlags::PAUSED, TorrentFlags::PAUSED)
    }

    /// Goes on.
    pub fn resume(&self, key: u64) -> Result<(), Error> {
        self.set_flags(key, TorrentFlags::NONE, TorrentFlags::PAUSED)
    }

    /// Priorities of all files, 0 to 7, padding included.
    pub fn set_file_priorities(&self, key: u64, priorities: &[u8]) -> Result<(), Error> {
        Ok(self.raw().set_file_priorities(key, priorities)?)
    }

    /// Priorities of all pieces, 0 to 7, until those of the files change. Counts for nothing once every piece is there.
    pub fn set_piece_priorities(&self, key: u64, priorities: &[u8]) -> Result<(), Error> {
        Ok(self.raw().set_piece_priorities(key, priorities)?)
    }

    /// Limits of a torrent; `None` for none.
    pub fn set_limits(
        &self,
        key: u64,
        download_bytes_per_second: Option<u32>,
        upload_bytes_per_second: Option<u32>,
    ) -> Result<(), Error> {
        Ok(self.raw().set_limits(key, limit(download_bytes_per_second), limit(upload_bytes_per_second))?)
    }

    /// How many peers a torrent may have, and how many of them it sends to; `None` for no limit but the session's.
    pub fn set_slots(
        &self,
        key: u64,
        connections_max: Option<u32>,
        upload_slots_max: Option<u32>,
    ) -> Result<(), Error> {
        Ok(self.raw().set_slots(key, limit(connections_max), limit(upload_slots_max))?)
    }

    forward! {
        /// Announces to all trackers now.
        reannounce;
        /// Hashes all files again; a paused torrent waits for its resume.
        recheck;
        /// Closes the files after what was received is written to them; `EventKind::Flushed` says when. Blocks may still be
        /// on their way to the files when a torrent is told finished, and when resume data arrives.
        flush;
        /// Forgets a torrent's error.
        clear_error;
    }

    /// Moves the files to another folder, unless one of them exists there.
    pub fn move_storage(&self, key: u64, path: &str) -> Result<(), Error> {
        Ok(self.raw().move_storage(key, path)?)
    }

    /// Asks for resume data.
    pub fn save_resume_data(&self, key: u64, how: SaveResume) -> Result<(), Error> {
        Ok(self.raw().save_resume_data(key, how.0)?)
    }

    /// Connects to a peer.
    pub fn connect_peer(&self, key: u64, address: SocketAddr) -> Result<(), Error> {
        Ok(self.raw().connect_peer(key, &address.to_string())?)
    }

    /// Asks for a state update of every torrent that changed since the last.
    pub fn post_updates(&self) -> Result<(), Error> {
        Ok(self.raw().post_updates()?)
    }

    /// Asks for the session's counters.
    pub fn post_stats(&self) -> Result<(), Error> {
        Ok(self.raw().post_stats()?)
    }

    /// Asks for a status of this torrent with the next batch, changed or not.
    pub fn post_status(&self, key: u64) -> Result<(), Error> {
        Ok(self.raw().post_status(key)?)
    }

    /// Asks for a status of every torrent with the next batch, changed or not.
    pub fn post_all_status(&self) -> Result<(), Error> {
        Ok(self.raw().post_all_status()?)
    }

    /// The TCP port that is open. Waits for libtorrent's thread.
    pub fn listen_port(&self) -> Result<u16, Error> {
        Ok(self.raw().listen_port()?)
    }

    /// A round trip through libtorrent's thread.
    pub fn ping(&self) -> Result<(), Error> {
        self.listen_port().map(drop)
    }

    /// A torrent now. Waits for libtorrent's thread.
    pub fn status(&self, key: u64) -> Result<Status, Error> {
        Ok(Status::of(&self.raw().status(key)?))
    }

    /// The files of a torrent, padding included.
    pub fn files(&self, key: u64) -> Result<Vec<FileEntry>, Error> {
        Ok(self.raw().files(key)?.into_iter().map(FileEntry::of).collect())
    }

    /// Verified bytes of each file, padding included.
    pub fn file_progress(&self, key: u64) -> Result<Vec<u64>, Error> {
        Ok(self.raw().file_progress(key)?)
    }

    /// Priorities of all files, padding included.
    pub fn file_priorities(&self, key: u64) -> Result<Vec<u8>, Error> {
        Ok(self.raw().file_priorities(key)?)
    }

    /// Priorities of all pieces; all as usual once every piece is there.
    pub fn piece_priorities(&self, key: u64) -> Result<Vec<u8>, Error> {
        Ok(self.raw().piece_priorities(key)?)
    }

    /// Bytes a piece.
    pub fn piece_length(&self, key: u64) -> Result<u32, Error> {
        Ok(self.raw().piece_length(key)?)
    }

    /// The trackers of a torrent.
    pub fn trackers(&self, key: u64) -> Result<Vec<Tracker>, Error> {
        let trackers = self.raw().trackers(key)?;
        let status = |number| match number {
            1 => TrackerStatus::Working,
            2 => TrackerStatus::Updating,
            3 => TrackerStatus::Failing,
            _ => TrackerStatus::NotContacted,
        };
        Ok(trackers
            .into_iter()
            .map(|raw| Tracker {
                url: raw.url,
                tier: raw.tier,
                status: status(raw.status),
                message: raw.message,
            })
            .collect())
    }

    /// The connected peers of a torrent.
    pub fn peers(&self, key: u64) -> Result<Vec<Peer>, Error> {
        let peers = self.raw().peers(key)?.into_iter().map(|raw| Peer {
            address: raw.address,
            client: raw.client,
            progress_ppm: raw.progress_ppm,
            download_bytes_per_second: raw.download_rate,
            upload_bytes_per_second: raw.upload_rate,
            is_seed: raw.is_seed,
        });
        Ok(peers.collect())
    }

    /// The torrent file, once the metadata is known.
    pub fn metainfo(&self, key: u64) -> Result<Vec<u8>, Error> {
        Ok(self.raw().metainfo(key)?)
    }

    /// Ends the session and waits for its threads. A second call does nothing.
    pub fn shutdown(&self) -> Result<(), Error> {
        Ok(self.raw().shutdown()?)
    }
}

fn raw(settings: &[Setting]) -> Vec<bridge::RawSetting> {
    settings.iter().map(Setting::raw).collect()
}

/// One of the session's counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatsMetric {
    /// libtorrent's name for it.
    pub name: String,
    /// Its place in [`crate::Batch::stats`].
    pub place: usize,
    /// Whether it only ever grows; else it is a level.
    pub only_grows: bool,
}

/// The session's counters.
pub fn stats_metrics() -> Vec<StatsMetric> {
    let metrics = bridge::stats_metrics().unwrap_or_default();
    let of_raw = |metric: bridge::RawMetric| StatsMetric {
        name: metric.name,
        place: metric.index,
        only_grows: metric.is_counter,
    };
    metrics.into_iter().map(of_raw).collect()
}

/// The version that the library states of itself.
pub fn version() -> String {
    bridge::version()
}

/// What a text of the settings is when nobody sets it.
pub fn default_text(name: &str) -> Result<String, Error> {
    Ok(bridge::default_text(name)?)
}

/// The version that the bridge was built for.
pub fn header_version() -> String {
    bridge::header_version()
}
