//! libtorrent's own counters, under its own names: all that the library has, whichever version it is.

use std::time::Duration;

use revaer_engine::EngineHandle;
use revaer_metrics::{Collectors, Kind, Reading};

/// How long the session may take to answer a scrape; then the numbers of the last one are shown again.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// The counters, as they were last read.
pub(crate) struct SessionCounters(Vec<(String, Reading)>);

impl SessionCounters {
    /// One family for each counter of the library that is loaded.
    pub(crate) fn new(all: &mut Collectors) -> Self {
        let family = |metric: libtorrent_sys::StatsMetric| {
            let kind = if metric.only_grows { Kind::Counter } else { Kind::Gauge };
            let help = format!("libtorrent's {} `{}`.", word(kind), metric.name);
            let reading = all.reading(&family_of(&metric.name, kind), &help, kind);
            (metric.name, reading)
        };
        Self(libtorrent_sys::stats_metrics().into_iter().map(family).collect())
    }

    /// Asks the session. One that is broken or busy leaves everything as it was.
    pub(crate) async fn read(&self, engine: &EngineHandle) {
        let Ok(Ok(counters)) = tokio::time::timeout(ANSWER_WITHIN, engine.counters()).await else { return };
        for (name, reading) in &self.0 {
            if let Some(value) = counters.get(name) {
                reading.set(*value);
            }
        }
    }
}

const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter => "counter",
        Kind::Gauge | Kind::Histogram => "gauge",
    }
}

/// `net.sent_payload_bytes` is `libtorrent_net_sent_payload_bytes_total`.
fn family_of(name: &str, kind: Kind) -> String {
    let clean: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let suffix = if kind == Kind::Counter { "_total" } else { "" };
    format!("libtorrent_{clean}{suffix}")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("net.sent_payload_bytes", Kind::Counter, "libtorrent_net_sent_payload_bytes_total")]
    #[case("ses.num_seeding_torrents", Kind::Gauge, "libtorrent_ses_num_seeding_torrents")]
    fn counter_is_named_by_the_conventions(#[case] name: &str, #[case] kind: Kind, #[case] family: &str) {
        assert_eq!(family_of(name, kind), family);
    }
}
