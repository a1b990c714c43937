//! The workspace's chores, as subcommands.

use std::path::Path;
use std::process::ExitCode;

fn main() -> anyhow::Result<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words != ["tidy"] {
        eprintln!("usage: cargo run -p xtask -- tidy");
        return Ok(ExitCode::from(2));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let violations = xtask::tidy::check(&root)?;
    for violation in &violations {
        eprintln!("{violation}");
    }
    if violations.is_empty() {
        println!("tidy: the arrows and the files are in order");
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("tidy: {} found", violations.len());
    Ok(ExitCode::FAILURE)
}
