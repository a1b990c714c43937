//! `revaer completions`: a script that completes this program's arguments.

use clap::Args;
use clap_complete::Shell;

use crate::failure::Failure;
use crate::screen::Output;

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// For which shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    /// Prints it.
    pub(super) fn run(&self, mut definition: clap::Command) -> Result<(), Failure> {
        let name = definition.get_name().to_owned();
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut definition, name, &mut script);
        Output::text(&String::from_utf8_lossy(&script))
    }
}
