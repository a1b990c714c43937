//! The fields that say which files are wanted, as an add and a select have them.

use revaer_domain::selection::{
    GLOBS_MAX, InvalidSelection, PRIORITIES_MAX, Priority, PriorityRule, SelectionRule, Target,
};
use revaer_wire::{FieldProblem, codes};
use serde_json::value::RawValue;

use super::fields::{Faults, Field, Fields, nested};
use crate::problem::{Refusal, of_selection};

/// Reads the body of a select.
pub(crate) fn read(body: &[u8]) -> Result<SelectionRule, Refusal> {
    let mut faults = Faults::default();
    let mut fields = Fields::of_body(body, "")?;
    let rule = take(&mut fields, "", &mut faults);
    fields.finish(&mut faults);
    faults.settle(Some(rule))
}

/// Where a rule that the torrent refuses is wrong. Which of the priorities names a file that is not there, the rule alone tells.
pub(crate) fn place_of(rule: &SelectionRule, invalid: &InvalidSelection, at: &str) -> FieldProblem {
    let mut field = of_selection(invalid, at);
    if let InvalidSelection::NoSuchFile { index, .. } = invalid
        && let Some(place) = rule.priorities.iter().position(|rule| rule.target == Target::Index(*index))
    {
        field.pointer = Some(format!("{at}/priorities/{place}/index"));
    }
    field
}

/// Takes the fields of a rule out of a body.
pub(super) fn take(fields: &mut Fields<'_>, at: &str, faults: &mut Faults) -> SelectionRule {
    let asked = Asked {
        include: fields.take("include", faults).unwrap_or_default(),
        exclude: fields.take("exclude", faults).unwrap_or_default(),
        priorities: fields.take("priorities", faults).unwrap_or_default(),
    };
    let mut switch = |name| fields.take(name, faults).unwrap_or(false);
    let case_sensitive = switch("case_sensitive");
    let skip_fluff = switch("skip_fluff");
    let first_last_piece_first = switch("first_last_piece_first");
    asked.judge(at, faults);
    SelectionRule {
        include: asked.include.into_iter().flatten().collect(),
        exclude: asked.exclude.into_iter().flatten().collect(),
        priorities: asked.priorities.into_iter().flatten().collect(),
        case_sensitive,
        skip_fluff,
        first_last_piece_first,
    }
}

/// The lists of a rule as they were asked for, with a gap for each item that is none.
struct Asked {
    include: Vec<Option<String>>,
    exclude: Vec<Option<String>>,
    priorities: Vec<Option<PriorityRule>>,
}

impl Asked {
    /// Compiles the globs one by one: the rule as a whole names its first fault alone.
    fn judge(&self, at: &str, faults: &mut Faults) {
        let is_glob =
            |rule: &&Option<PriorityRule>| matches!(rule, Some(PriorityRule { target: Target::Glob(_), .. }));
        let globs = self.include.len() + self.exclude.len();
        if globs > GLOBS_MAX {
            let place = if self.include.len() > self.exclude.len() { "include" } else { "exclude" };
            return too_many(at, place, faults);
        }
        if globs + self.priorities.iter().filter(is_glob).count() > GLOBS_MAX
            || self.priorities.len() > PRIORITIES_MAX
        {
            return too_many(at, "priorities", faults);
        }
        for (index, glob) in whole(&self.include) {
            check(
                &SelectionRule { include: vec![glob.clone()], ..SelectionRule::default() },
                index,
                at,
                faults,
            );
        }
        for (index, glob) in whole(&self.exclude) {
            check(
                &SelectionRule { exclude: vec![glob.clone()], ..SelectionRule::default() },
                index,
                at,
                faults,
            );
        }
        for (index, rule) in whole(&self.priorities) {
            check(
                &SelectionRule { priorities: vec![rule.clone()], ..SelectionRule::default() },
                index,
                at,
                faults,
            );
        }
    }
}

fn whole<T>(items: &[Option<T>]) -> impl Iterator<Item = (usize, &T)> {
    items.iter().enumerate().filter_map(|(index, item)| Some((index, item.as_ref()?)))
}

fn too_many(at: &str, place: &str, faults: &mut Faults) {
    faults.note(format!("{at}/{place}"), codes::INVALID, InvalidSelection::TooMany.to_string());
}

/// Judges a rule of one item, which has the place `index` in its list.
fn check(rule: &SelectionRule, index: usize, at: &str, faults: &mut Faults) {
    let Err(mut invalid) = rule.compile() else { return };
    if let InvalidSelection::Glob { index: place, .. } | InvalidSelection::GlobTooLong { index: place, .. } =
        &mut invalid
    {
        *place = index;
    }
    faults.push(of_selection(&invalid, at));
}

impl Field for PriorityRule {
    fn read(raw: &RawValue, at: &str, faults: &mut Faults) -> Option<Self> {
        let mut fields = nested(raw, at, faults)?;
        if fields.has("index") == fields.has("glob") {
            faults.note(at, codes::INVALID, "needs either `index` or `glob`");
        }
        if !fields.has("priority") {
            faults.note(
                fields.pointer("priority"),
                codes::INVALID,
                "is needed: 0 skip, 1 low, 4 normal, 7 high",
            );
        }
        let index = fields.take_as("index", faults, |index: u64| {
            u32::try_from(index).map_err(|_| "is beyond the files of any torrent")
        });
        let glob: Option<String> = fields.take("glob", faults);
        let priority = fields.take_as("priority", faults, |number: u64| {
            u8::try_from(number)
                .ok()
                .and_then(|number| Priority::try_from(number).ok())
                .ok_or("is none of 0, 1, 4, 7")
        });
        fields.finish(faults);
        Some(Self { target: index.map(Target::Index).or(glob.map(Target::Glob))?, priority: priority? })
    }
}
