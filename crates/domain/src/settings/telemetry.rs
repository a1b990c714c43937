//! What the service tells of itself, and from which marks on it calls itself degraded.

use super::catalogue::Kind;
use super::section::{choice, section};

choice! {
    /// How much is logged.
    LogLevel {
        /// What failed for good.
        Error = "error",
        /// What failed and is tried again, too.
        Warn = "warn",
        /// What happened.
        Info = "info",
        /// Why.
        Debug = "debug",
        /// Every step.
        Trace = "trace",
    }
}

section! {
    /// What the service tells of itself, and from which marks on it calls itself degraded.
    TelemetrySettings at "/telemetry";
    keys {
        /// How much the service logs. `RUST_LOG` wins over it.
        log_level: LogLevel = LogLevel::Info, LogLevel::KIND, Live;
        /// Less room than this on a disk that is written to is told as degraded. 0: never.
        disk_free_bytes_min: u64 = 1 << 30, Kind::Integer { min: 0, max: 1 << 50 }, Live;
        /// For how long a projection or a reactor may be behind the log before that is told as degraded.
        follower_lag_seconds_max: u32 = 30, Kind::Integer { min: 1, max: 86_400 }, Live;
    }
}
