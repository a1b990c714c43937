//! What the fuzzer kept is asked again: each file of a corpus once reached something new.

use std::fs;
use std::path::Path;

use rstest::rstest;

#[rstest]
#[case::magnet("magnet", revaer_fuzz_laws::magnet)]
#[case::metainfo("metainfo", revaer_fuzz_laws::metainfo)]
#[case::globs("globs", revaer_fuzz_laws::globs)]
#[case::events("events", revaer_fuzz_laws::events)]
fn law_holds_for_what_the_fuzzer_kept(#[case] name: &str, #[case] law: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
    let mut count = 0;
    for entry in fs::read_dir(&corpus).expect("the corpus can be read") {
        let path = entry.expect("an entry can be read").path();
        println!("{}", path.display());
        law(&fs::read(path).expect("an input can be read"));
        count += 1;
    }
    assert!(count > 0, "{} is empty", corpus.display());
}
