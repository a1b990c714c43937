//! The notices between the session and whoever takes them.
//!
//! The session never waits here: with the database away nobody takes anything, and the download must go on. So each torrent
//! has at most one notice of a kind and the newest wins; the bound is the number of torrents times the kinds.

use std::collections::{BTreeMap, HashMap};
use std::mem::{Discriminant, discriminant};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use revaer_domain::values::TorrentId;
use tokio::sync::Notify;

use crate::notice::EngineNotice;

type Slot = (Option<TorrentId>, Discriminant<EngineNotice>);

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    notices: BTreeMap<u64, EngineNotice>,
    slots: HashMap<Slot, u64>,
    closed: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

/// Takes the notices; there is one.
#[derive(Debug)]
pub struct NoticeReceiver(pub(crate) Arc<Mailbox>);

impl NoticeReceiver {
    /// At least one notice and at most `max`, in their order; empty when the engine has ended and all were taken.
    pub async fn take(&mut self, max: usize) -> Vec<EngineNotice> {
        loop {
            {
                let mut waiting = self.0.lock();
                if !waiting.notices.is_empty() || waiting.closed {
                    return waiting.take(max.max(1));
                }
            }
            // A permit is kept if the notice comes between the look and the wait.
            self.0.arrived.notified().await;
        }
    }
}

impl Mailbox {
    pub(crate) fn put(&self, notice: EngineNotice) {
        self.lock().put(notice);
        self.arrived.notify_one();
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.lock().notices.len()
    }

    /// Everything that waits, for a test that puts each notice down to what caused it.
    #[cfg(test)]
    pub(crate) fn drain(&self) -> Vec<EngineNotice> {
        self.lock().take(usize::MAX)
    }

    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn put(&mut self, notice: EngineNotice) {
        let slot = (notice.id(), discriminant(&notice));
        if let Some(place) = self.slots.get(&slot)
            && let Some(waiting) = self.notices.get_mut(place)
        {
            // Resume data keeps its place: what follows it relies on it, and newer data carries what older data did. So does
            // what is only said again: a finish that came before the selection it follows would be no news.
            if matches!(notice, EngineNotice::ResumeData { .. }) || *waiting == notice {
                *waiting = notice;
                return;
            }
        }
        let place = self.next;
        self.next += 1;
        if let Some(older) = self.slots.insert(slot, place) {
            self.notices.remove(&older);
        }
        self.notices.insert(place, notice);
    }

    fn take(&mut self, max: usize) -> Vec<EngineNotice> {
        let mut taken = Vec::with_capacity(max.min(self.notices.len()));
        while taken.len() < max
            && let Some((_, notice)) = self.notices.pop_first()
        {
            self.slots.remove(&(notice.id(), discriminant(&notice)));
            taken.push(notice);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use revaer_domain::torrent::{Phase, SelectionApplied, Totals};
    use ulid::Ulid;

    fn id(number: u128) -> TorrentId {
        TorrentId::new(Ulid::from(number))
    }

    fn phase(torrent: u128, phase: Phase) -> EngineNotice {
        EngineNotice::Phase { id: id(torrent), phase, totals: Totals::default() }
    }

    fn resume(torrent: u128, byte: u8) -> EngineNotice {
        EngineNotice::ResumeData { id: id(torrent), body: vec![byte], piece_count: 1 }
    }

    #[tokio::test]
    async fn newest_phase_of_a_torrent_wins_and_other_torrents_keep_theirs() {
        let mailbox = Arc::new(Mailbox::default());
        for at in [Phase::Metadata, Phase::Checking, Phase::Downloading] {
            mailbox.put(phase(1, at));
            mailbox.put(phase(2, at));
        }
        let notices = NoticeReceiver(mailbox).take(10).await;
        assert_eq!(notices, [phase(1, Phase::Downloading), phase(2, Phase::Downloading)]);
    }

    #[tokio::test]
    async fn newer_resume_data_stays_before_the_finish_that_relies_on_it() {
        let mailbox = Arc::new(Mailbox::default());
        let finished = EngineNotice::Finished { id: id(1), totals: Totals::default() };
        mailbox.put(resume(1, 1));
        mailbox.put(finished.clone());
        mailbox.put(resume(1, 2));
        assert_eq!(NoticeReceiver(mailbox).take(10).await, [resume(1, 2), finished]);
    }

    #[tokio::test]
    async fn what_is_said_again_keeps_its_place_and_what_is_new_does_not() {
        let mailbox = Arc::new(Mailbox::default());
        let applied = |revision| EngineNotice::SelectionApplied {
            id: id(1),
            applied: SelectionApplied { revision, priorities: vec![(1, 4)], wanted_bytes: 1 },
        };
        let finished = EngineNotice::Finished { id: id(1), totals: Totals::default() };
        for notice in [applied(1), finished.clone(), applied(1)] {
            mailbox.put(notice);
        }
        let mut receiver = NoticeReceiver(Arc::clone(&mailbox));
        assert_eq!(receiver.take(10).await, [applied(1), finished.clone()]);
        for notice in [applied(1), finished.clone(), applied(2)] {
            mailbox.put(notice);
        }
        assert_eq!(receiver.take(10).await, [finished, applied(2)]);
    }

    #[tokio::test]
    async fn closed_mailbox_gives_what_is_left_and_then_nothing() {
        let mailbox = Arc::new(Mailbox::default());
        mailbox.put(resume(1, 1));
        mailbox.put(resume(2, 1));
        mailbox.close();
        let mut receiver = NoticeReceiver(mailbox);
        assert_eq!(receiver.take(1).await, [resume(1, 1)]);
        assert_eq!(receiver.take(1).await, [resume(2, 1)]);
        assert_eq!(receiver.take(1).await, []);
        assert_eq!(receiver.take(1).await, []);
    }
}
