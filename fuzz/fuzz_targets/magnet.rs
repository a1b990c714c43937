//! Looks for an input that breaks the law of the same name.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| revaer_fuzz_laws::magnet(bytes));
