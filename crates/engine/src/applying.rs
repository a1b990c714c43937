//! A profile, brought to the session that runs.
//!
//! Each part that cannot be is told, and stays as it was; the rest is in force when the answer is given.

use std::time::Instant;

use libtorrent_sys::Setting;

use crate::notice::EngineNotice;
use crate::profile::{Profile, Refusal, TICK, changes, tick, unknown_device};
use crate::torrents::Torrents;

/// Failures to listen that are told; each names a port.
const LISTEN_FAILURES_MAX: usize = 8;

const LISTEN_INTERFACES: &str = "/engine/listen_interfaces";
const SESSION: &str = "/engine";

/// A profile that libtorrent was told, before it was heard.
pub(crate) struct Applying {
    refused: Vec<Refusal>,
    /// Where it listened, if it was told to listen elsewhere.
    listened_on: Option<String>,
}

impl Torrents {
    /// Tells libtorrent. What it says of that waits in its queue when this returns; [`Torrents::applied`] judges it.
    pub(crate) fn apply(&mut self, mut profile: Profile) -> Applying {
        let mut applying = Applying { refused: Vec::new(), listened_on: None };
        let was = &self.profile.engine.listen_interfaces;
        if profile.engine.listen_interfaces != *was {
            if let Some(device) = unknown_device(&profile.engine.listen_interfaces) {
                let reason = format!("this machine has no network device `{device}`");
                applying.refused.push(Refusal { pointer: LISTEN_INTERFACES, reason });
                profile.engine.listen_interfaces.clone_from(was);
            } else {
                applying.listened_on = Some(was.clone());
                self.forget_listen_failures();
            }
        }
        if let Err(error) = self.tell(profile) {
            applying.listened_on = None;
            applying.refused.push(Refusal { pointer: SESSION, reason: error.message });
        }
        applying
    }

    /// What was refused, once libtorrent was heard. Where it cannot listen it is sent back to where it did.
    pub(crate) fn applied(&mut self, applying: Applying) -> Vec<Refusal> {
        let Applying { mut refused, listened_on } = applying;
        if let Some(listened_on) = listened_on
            && !self.listen_failures.is_empty()
        {
            refused.push(Refusal { pointer: LISTEN_INTERFACES, reason: self.listen_failures.join("; ") });
            self.forget_listen_failures();
            let back = [Setting::text("listen_interfaces", listened_on.as_str())];
            if let Err(error) = self.session.apply_settings(&back) {
                tracing::error!(%error, "the session does not go back to where it listened");
            }
            self.profile.engine.listen_interfaces = listened_on;
        }
        self.outbox.put_profile(&self.profile);
        refused
    }

    /// Everything that differs. An error before anything was changed is one; afterwards the session is about to end.
    fn tell(&mut self, profile: Profile) -> Result<(), libtorrent_sys::Error> {
        let session = &self.session;
        let mut changes = changes(&self.profile, &profile);
        // As long as torrents have caps of their own.
        changes.retain(|setting| !(self.ticks_finely && setting.name() == TICK));
        session.apply_settings(&changes)?;
        let before = std::mem::replace(&mut self.profile, profile);
        let now = &self.profile;
        if now.limits_apply_to_local_peers != before.limits_apply_to_local_peers {
            session.limit_local_peers(now.limits_apply_to_local_peers)?;
            session.reconnect_local_peers()?;
        }
        if now.ip_filter != before.ip_filter {
            session.set_ip_filter(now.ip_filter.ranges())?;
        }
        let slots = |profile: &Profile| {
            (profile.engine.connections_per_torrent_max, profile.engine.upload_slots_per_torrent_max)
        };
        if slots(now) != slots(&before) {
            let (connections_max, upload_slots_max) = slots(now);
            for key in self.entries.keys() {
                // One that is gone by now has no slots.
                let _ = session.set_slots(*key, connections_max, upload_slots_max);
            }
        }
        if now.queues() != before.queues() {
            let queues = now.queues();
            let keys: Vec<u64> = self.entries.keys().copied().collect();
            for key in keys {
                if let Some(entry) = self.entries.get_mut(&key) {
                    entry.desired.queues = queues;
                }
                self.bring(key);
            }
        }
        // A round trip: what was asked for before it is in force after it, and what libtorrent says of it is in its queue.
        self.session.ping()
    }

    /// Lets libtorrent hold the caps of torrents, from the first one on that has any.
    pub(crate) fn tick_finely(&mut self) -> Result<(), libtorrent_sys::Error> {
        if !std::mem::replace(&mut self.ticks_finely, true) {
            self.session.apply_settings(&[tick(true)])?;
        }
        Ok(())
    }

    /// Sets the limits of a torrent, and tells when they are in force.
    pub(crate) fn set_rate_cap(&mut self, key: u64) -> Result<(), libtorrent_sys::Error> {
        self.tick_finely()?;
        let Some(entry) = self.entries.get_mut(&key) else { return Ok(()) };
        let to = entry.desired.rate_cap;
        let [down, up] = [to.download_bytes_per_second, to.upload_bytes_per_second];
        self.session.set_limits(key, down.map(u32::from), up.map(u32::from))?;
        // A round trip: what was asked for before it is in force after it.
        self.session.ping()?;
        let from = std::mem::replace(&mut entry.capped, to);
        let (id, at) = (entry.id, Instant::now());
        self.outbox.put(EngineNotice::RateCapApplied { id, from, to, at });
        self.save(key);
        Ok(())
    }

    pub(crate) fn on_listen_failed(&mut self, reason: &str) {
        tracing::warn!(reason, "a port cannot be opened");
        if self.listen_failures.len() < LISTEN_FAILURES_MAX {
            self.listen_failures.push(reason.to_owned());
        }
        self.outbox.deaf(Some(self.listen_failures.join("; ")));
    }

    fn forget_listen_failures(&mut self) {
        self.listen_failures.clear();
        self.outbox.deaf(None);
    }
}
