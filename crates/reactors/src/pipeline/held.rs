//! Jobs that wait for something of this machine, and when each may try again.

use std::collections::BTreeMap;
use std::time::Duration;

use revaer_domain::values::TorrentId;
use tokio::time::Instant;

use super::libraries::Findings;
use super::worker::Hold;

/// What nobody can be asked about (room on a disk, a lock) is tried again after so long, and then ever later.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// One that waits.
#[derive(Debug)]
struct Waiting {
    hold: Hold,
    pause: Duration,
    next: Instant,
}

/// All that wait. As many as jobs are held; each is a torrent of the log.
#[derive(Debug, Default)]
pub(super) struct HeldJobs {
    waiting: BTreeMap<TorrentId, Waiting>,
}

/// Whether what a job waited for is known to be there again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// It was looked at, and is there.
    Seen,
    /// Only the job itself finds out.
    Unknown,
}

impl HeldJobs {
    /// Holds a job. One that is held again for the same waits longer.
    pub(super) fn hold(&mut self, id: TorrentId, hold: Hold) {
        let earlier = self.waiting.get(&id).filter(|waiting| waiting.hold.code == hold.code);
        let pause = earlier.map_or(FIRST_PAUSE, |waiting| (waiting.pause * 2).min(LONGEST_PAUSE));
        self.waiting.insert(id, Waiting { hold, pause, next: Instant::now() + pause });
    }

    /// Forgets one that ended or that is not to be done any more.
    pub(super) fn forget(&mut self, id: TorrentId) {
        self.waiting.remove(&id);
    }

    pub(super) fn holds(&self, id: TorrentId) -> bool {
        self.waiting.contains_key(&id)
    }

    /// Those that may try again now. They stay here until they come further, so that the next pause is longer.
    pub(super) fn ready(&self, findings: &Findings, now: Instant) -> Vec<(TorrentId, Again)> {
        let ready = self.waiting.iter().filter_map(|(id, waiting)| {
            let library_is_well =
                waiting.hold.library.as_ref().is_some_and(|library| !findings.unusable.contains(library));
            let again = match waiting.hold.code {
                "root_absent" | "denied" if !library_is_well => return None,
                "extractor_missing" if !findings.opens_rar => return None,
                "root_absent" | "extractor_missing" => Again::Seen,
                // The library is well; what was denied may be elsewhere.
                _ => Again::Unknown,
            };
            // What is seen to be there and still does not do is not tried every time it is looked at.
            let is_first = waiting.pause == FIRST_PAUSE;
            ((again == Again::Seen && is_first) || waiting.next <= now).then_some((*id, again))
        });
        ready.collect()
    }

    /// Why they wait, as far as nobody else says so: what is wrong with a library is told of the library.
    pub(super) fn complaints(&self) -> impl Iterator<Item = String> + '_ {
        let is_own = |code: &str| !matches!(code, "root_absent" | "extractor_missing" | "busy");
        let own = self.waiting.iter().filter(move |(_, waiting)| is_own(waiting.hold.code));
        own.map(|(id, waiting)| format!("the job of torrent {id} is held: {}", waiting.hold.detail))
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rstest::rstest;
    use ulid::Ulid;

    use super::*;

    fn hold(code: &'static str) -> Hold {
        Hold { code, library: Some(PathBuf::from("/srv/films")), detail: String::new() }
    }

    #[rstest]
    #[case::library_is_away("root_absent", true, true, None)]
    #[case::library_is_back("root_absent", false, true, Some(Again::Seen))]
    #[case::program_is_missing("extractor_missing", false, false, None)]
    #[case::program_is_there("extractor_missing", false, true, Some(Again::Seen))]
    #[case::room_is_not_asked_for("no_space", false, true, None)]
    fn job_goes_on_when_what_it_waits_for_is_there(
        #[case] code: &'static str,
        #[case] is_away: bool,
        #[case] opens_rar: bool,
        #[case] expected: Option<Again>,
    ) {
        let id = TorrentId::new(Ulid(1));
        let mut held = HeldJobs::default();
        held.hold(id, hold(code));
        let unusable = is_away.then(|| PathBuf::from("/srv/films")).into_iter().collect();
        let findings = Findings { unusable, opens_rar, ..Findings::default() };
        let ready = held.ready(&findings, Instant::now());
        assert_eq!(ready.first().map(|(_, again)| *again), expected);
    }

    #[test]
    fn pause_grows_while_it_does_not_help() {
        let id = TorrentId::new(Ulid(1));
        let findings = Findings { opens_rar: true, ..Findings::default() };
        let mut held = HeldJobs::default();
        held.hold(id, hold("no_space"));
        assert!(held.ready(&findings, Instant::now() + FIRST_PAUSE).len() == 1);
        held.hold(id, hold("no_space"));
        assert!(held.ready(&findings, Instant::now() + FIRST_PAUSE).is_empty());
    }
}
