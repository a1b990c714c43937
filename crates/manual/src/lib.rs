//! What a program's own definition of its arguments says, in the forms that packages and documents want.
//!
//! Both programs are described from the definition that parses their command lines, so that no page can promise what is not
//! there. It deliberately knows neither program: a definition comes in, text goes out.

mod page;

pub use page::render as page;

use std::io;
use std::path::Path;

use clap::{Args, Command};
use clap_complete::Shell;

/// For which shells a package brings completions, and what each calls the file.
const COMPLETIONS: [(Shell, &str, &str); 3] =
    [(Shell::Bash, "bash", ""), (Shell::Zsh, "zsh", "_"), (Shell::Fish, "fish", "")];

/// Arguments of the hidden command `manual`, the same in both programs.
#[derive(Debug, Args)]
pub struct Manual {
    /// Write man pages and completions into this folder; without it, the page of the documents is printed
    #[arg(long, value_name = "DIR")]
    to: Option<std::path::PathBuf>,
}

impl Manual {
    /// Writes the files, or gives back the page that is to be printed.
    ///
    /// # Errors
    /// What the file system says when a file cannot be written.
    pub fn run(&self, definition: Command) -> io::Result<Option<String>> {
        match &self.to {
            Some(folder) => write(&definition, folder).map(|()| None),
            None => Ok(Some(page(definition))),
        }
    }
}

/// Writes `man/*.1` (one page for each command) and `completions/<shell>/…` into a folder, which is made.
fn write(definition: &Command, folder: &Path) -> io::Result<()> {
    let name = definition.get_name().to_owned();
    let man = folder.join("man");
    std::fs::create_dir_all(&man)?;
    clap_mangen::generate_to(definition.clone(), man)?;
    for (shell, of, prefix) in COMPLETIONS {
        let of = folder.join("completions").join(of);
        std::fs::create_dir_all(&of)?;
        let suffix = if shell == Shell::Fish { ".fish" } else { "" };
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut definition.clone(), &name, &mut script);
        std::fs::write(of.join(format!("{prefix}{name}{suffix}")), script)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition() -> Command {
        Command::new("tool")
            .subcommand(Command::new("turn").about("Turn it"))
            .subcommand(Command::new("secret").hide(true))
    }

    #[test]
    fn every_command_that_is_not_hidden_has_a_man_page() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let manual = Manual { to: Some(folder.path().to_owned()) };
        assert_eq!(manual.run(definition()).expect("it can be written"), None);
        assert!(folder.path().join("man/tool.1").is_file());
        assert!(folder.path().join("man/tool-turn.1").is_file());
        assert!(!folder.path().join("man/tool-secret.1").exists());
    }

    #[test]
    fn completions_are_named_as_each_shell_looks_for_them() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        write(&definition(), folder.path()).expect("it can be written");
        for file in ["bash/tool", "zsh/_tool", "fish/tool.fish"] {
            let script =
                std::fs::read_to_string(folder.path().join("completions").join(file)).unwrap_or_default();
            assert!(script.contains("turn"), "{file} completes the commands");
        }
    }
}
