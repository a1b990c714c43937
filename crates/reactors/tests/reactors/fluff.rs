//! What is not downloaded as fluff and what stays out of the library as fluff are the same.
//!
//! The selection and the pipeline know nothing of each other, and this is the lowest room that sees both.

use revaer_domain::selection::{self, Reason, SelectionRule};
use revaer_fsops::{LeftOut, RuleValues, Rules};
use rstest::rstest;

#[test]
fn selection_and_pipeline_state_the_same_preset() {
    assert_eq!(selection::FLUFF, revaer_fsops::FLUFF);
}

#[rstest]
#[case("sample.mkv")]
#[case("F/Sample/a/b.mkv")]
#[case("F/film-SAMPLE.mkv")]
#[case("F/The Sampler.mkv")]
#[case("Sample/film.mkv")]
#[case("F/deep/er/film.NFO")]
#[case("F/.nfo")]
#[case("F/nfo")]
#[case("F/film_thumbs.PNG")]
#[case("F/Thumbs.DB")]
#[case("F/trailers.mkv")]
#[case("F/Trailers/x.mkv")]
#[case("F/proof of life.mkv")]
#[case("F/proof of life.jpg")]
#[case("F/合集.txt")]
fn selection_and_pipeline_leave_out_the_same_files(#[case] path: &str) {
    let rule = SelectionRule { skip_fluff: true, ..SelectionRule::default() };
    let selector = rule.compile().expect("compiles");
    let unwanted = match selector.choose(0, path).reason {
        Reason::Fluff { kind, .. } => Some(kind),
        _ => None,
    };
    let rules = Rules::parse(RuleValues { skip_fluff: true, ..RuleValues::default() }).expect("compiles");
    let left_out = match rules.leaves_out(path) {
        Some(LeftOut::Fluff(kind)) => Some(kind),
        _ => None,
    };
    assert_eq!(unwanted, left_out);
}
