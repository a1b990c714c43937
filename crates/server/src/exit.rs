//! How the process ends: what supervisors and scripts can tell apart.

use std::process::ExitCode;

use crate::database::may_pass;

/// A reason to end that has an exit code of its own. Everything else ends with 1.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The command line asks for what is not allowed. As clap's own errors: 2.
    #[error("{0}")]
    Usage(String),
    /// The database was not there in time: 3.
    #[error("the database cannot be reached within {seconds} s")]
    DatabaseAway {
        /// How long was waited.
        seconds: u64,
        /// The last refusal.
        #[source]
        source: sqlx::Error,
    },
    /// The database went away in the middle: 3.
    #[error("the database went away")]
    DatabaseLost(#[source] anyhow::Error),
    /// Another process serves from the data directory: 4.
    #[error(transparent)]
    InUse(revaer_postgres_embedded::Error),
}

impl Fault {
    /// Tells a database that goes away while a tool works from everything else that may stop it.
    pub(crate) fn name_lost_database(error: anyhow::Error) -> anyhow::Error {
        let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<sqlx::Error>());
        let lost = causes.any(may_pass);
        if lost { Self::DatabaseLost(error).into() } else { error }
    }

    const fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::DatabaseAway { .. } | Self::DatabaseLost(_) => 3,
            Self::InUse(_) => 4,
        }
    }
}

/// Tells the person at the terminal, with every cause, and gives the code.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    eprintln!("revaerd: {error:#}");
    error.downcast_ref::<Fault>().map_or(ExitCode::FAILURE, |fault| ExitCode::from(fault.code()))
}
