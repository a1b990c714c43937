//! `revaer setup complete`: the first key, kept in the client's file.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use revaer_wire::{CompleteSetupRequest, IssuedKey, SetupToken};

use super::start;
use crate::client::Condition;
use crate::commands::Context;
use crate::failure::Failure;
use crate::screen::{Output, escape};

/// Longer than any token.
const TOKEN_BYTES_MAX: u64 = 4096;

/// Arguments of `setup complete`.
#[derive(Debug, Args)]
pub(crate) struct Complete {
    /// A file with the token, - for standard input; without it one is asked for, which takes being on the service's machine
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// What the instance is called
    #[arg(long, value_name = "NAME", default_value = "revaer")]
    instance_name: String,
    /// What the first key is called
    #[arg(long, value_name = "LABEL", default_value = "first")]
    key_label: String,
    /// Print the key and keep it nowhere
    #[arg(long)]
    no_save: bool,
}

impl Complete {
    /// Completes the setup, keeps the key, and says where.
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let keeps = !self.no_save && context.keys.path().is_some();
        if keeps {
            // Before the key is there, which is shown once.
            context.keys.prepare()?;
        }
        let token = match &self.token_file {
            Some(file) => read_token(file)?,
            None => start::issue(&context.client).await?.decode::<SetupToken>()?.token,
        };
        let request = CompleteSetupRequest {
            token: Some(token),
            instance_name: Some(self.instance_name),
            key_label: Some(self.key_label),
        };
        let document =
            context.client.post(&["v1", "setup", "complete"], &request, &Condition::default()).await?;
        let key: IssuedKey = document.decode()?;
        if keeps && let Err(error) = context.keys.save(context.client.url(), &key.secret) {
            // Better shown to whoever is there than lost.
            Output::text(&format!("{}\n", escape(&key.secret)))?;
            return Err(error);
        }
        if context.output.is_json() {
            return Output::json(document.text());
        }
        if !keeps {
            return Output::text(&format!("{}\n", escape(&key.secret)));
        }
        if context.output.is_quiet() {
            return Output::text(&format!("{}\n", escape(&key.id)));
        }
        let place = context.keys.path().map(|path| path.display().to_string()).unwrap_or_default();
        let (label, id) = (escape(&key.label), escape(&key.id));
        Output::text(&format!("set up; the key {label} ({id}, scope admin) is kept in {}\n", escape(&place)))
    }
}

fn read_token(file: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(TOKEN_BYTES_MAX).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(TOKEN_BYTES_MAX).read_to_string(&mut text))
    };
    read.map_err(|error| Failure::input(format!("cannot read the token in {}: {error}", file.display())))?;
    Ok(text.trim().to_owned())
}
