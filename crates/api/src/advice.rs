//! What to do about a part that is not well: a sentence for people, with the page of the runbook that says more.

use revaer_domain::health::HealthState;

/// What helps; nothing for a part that is well, or that nobody has advice for.
pub(crate) fn advice(component: &str, state: HealthState) -> Option<&'static str> {
    if state == HealthState::Well {
        return None;
    }
    let part = component.split('.').next().unwrap_or_default();
    Some(match (part, component) {
        ("database", _) => {
            "Look whether PostgreSQL runs and takes connections; commands wait, downloads go on. (runbook: database-away)"
        }
        (_, "engine.settings") => {
            "Correct the setting that the reason names, or take its change back by `revaer settings revert`."
        }
        ("engine", _) if state == HealthState::Failed => {
            "Restart the service; the log and the resume data bring every torrent back. (runbook: engine-degraded)"
        }
        ("engine", _) => "Wait: the session is being built again. (runbook: engine-degraded)",
        ("projection", _) => {
            "Lists show what was, and nothing is lost; a newer build, or `revaerd rebuild`, brings them on. (runbook: list-out-of-date)"
        }
        ("http", _) => "Look at the certificate and its key. (runbook: certificate)",
        ("disk", _) => {
            "Make room, mount the disk again, or set another mark by `telemetry.disk_free_bytes_min`. (runbook: disk-low)"
        }
        ("log", _) => {
            "Look whether the database is slow, and wait: it catches up by itself. (runbook: list-out-of-date)"
        }
        ("queues", _) => {
            "Look whether the database or the disk is slow; whoever asks waits longer. (runbook: database-away)"
        }
        ("clock", _) => {
            "Look at the time service of this machine. Order in the log is right; times and expiries follow the clock."
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("database")]
    #[case("engine")]
    #[case("engine.settings")]
    #[case("projection.torrents")]
    #[case("http.tls")]
    #[case("disk.downloads")]
    #[case("log.followers")]
    #[case("queues")]
    #[case("clock")]
    fn part_that_is_not_well_comes_with_advice(#[case] component: &str) {
        assert!(advice(component, HealthState::Degraded).is_some());
        assert!(advice(component, HealthState::Failed).is_some());
        assert_eq!(advice(component, HealthState::Well), None);
    }
}
