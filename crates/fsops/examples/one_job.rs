//! Runs one job, or undoes one, as a JSON document says: `one_job job.json`.
//!
//! `{"roots": [path], "plan": {…}}` runs the plan, `"undo": true` beside it takes it back. Each step is printed before and after
//! it; with `"ask": true` the program waits for a line before it goes on, so that whoever started it may end it there.

use std::io::{BufRead, Write};
use std::path::PathBuf;

use revaer_fsops::{Allowed, Job, Journal, Plan, Roots, Step, StepReport, Tools, Unobserved, undo};
use serde::Deserialize;

#[derive(Deserialize)]
struct Wanted {
    roots: Vec<PathBuf>,
    plan: Plan,
    #[serde(default)]
    undo: bool,
    #[serde(default)]
    ask: bool,
}

struct Spoken {
    ask: bool,
}

type Noted = Result<(), Box<dyn std::error::Error + Send + Sync>>;

impl Spoken {
    fn say(&self, when: &str, step: Step) -> Noted {
        println!("{when} {step}");
        std::io::stdout().flush()?;
        if self.ask {
            std::io::stdin().lock().read_line(&mut String::new())?;
        }
        Ok(())
    }
}

impl Journal for Spoken {
    fn before(&mut self, step: Step) -> Noted {
        self.say("before", step)
    }

    fn after(&mut self, report: &StepReport) -> Noted {
        self.say("after", report.step)
    }
}

fn main() -> Noted {
    let path = std::env::args().nth(1).ok_or("one argument is needed: a document that says what to do")?;
    let wanted: Wanted = serde_json::from_slice(&std::fs::read(path)?)?;
    let roots = Roots::new(wanted.roots.into_iter().map(Allowed::new).collect())?;
    if wanted.undo {
        undo(&roots, &wanted.plan.library, &wanted.plan.destination)?;
        return Ok(());
    }
    let tools = Tools::default();
    let mut job = Job::open(&roots, &tools, wanted.plan)?;
    let outcome = job.run(&mut Spoken { ask: wanted.ask }, &Unobserved)?;
    println!("{}", outcome.destination.display());
    Ok(())
}
