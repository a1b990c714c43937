//! Numbers of bytes as people write them: `512`, `1.5M` (thousands), `64Ki` (1024s).

/// Units and their bytes. `K` is read as `k`: nobody means kelvin.
const UNITS: [(&str, u64); 10] = [
    ("", 1),
    ("k", 1_000),
    ("K", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
    ("T", 1_000_000_000_000),
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
];
/// More digits than any unit can give a meaning to.
const FRACTION_DIGITS_MAX: usize = 12;

/// Reads a number of bytes; what is less than a whole byte is dropped.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    parse(text).ok_or_else(|| {
        format!(
            "not a size: {text:?}; expected for instance 500k, 1.5M, 2G (1000s) or 512Ki, 64Mi, 1Gi (1024s)"
        )
    })
}

fn parse(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.strip_suffix('B').unwrap_or(unit);
    let (_, unit_bytes) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || fraction.len() > FRACTION_DIGITS_MAX {
        return None;
    }
    let scale = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let part = fraction.parse::<u128>().ok()? * u128::from(*unit_bytes) / scale;
    whole.parse::<u64>().ok()?.checked_mul(*unit_bytes)?.checked_add(u64::try_from(part).ok()?)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("0", 0)]
    #[case("512", 512)]
    #[case("512B", 512)]
    #[case("500k", 500_000)]
    #[case("500K", 500_000)]
    #[case("1.5M", 1_500_000)]
    #[case("1.5MB", 1_500_000)]
    #[case("2G", 2_000_000_000)]
    #[case("3T", 3_000_000_000_000)]
    #[case("64Ki", 65_536)]
    #[case("64KiB", 65_536)]
    #[case("0.5Mi", 524_288)]
    #[case("1Gi", 1_073_741_824)]
    #[case("0.0001k", 0)]
    #[case("18446744073709551615", u64::MAX)]
    fn size_is_read_exactly(#[case] text: &str, #[case] bytes: u64) {
        assert_eq!(parse_size(text), Ok(bytes));
    }

    #[rstest]
    #[case("")]
    #[case("k")]
    #[case(".5M")]
    #[case("5.M")]
    #[case("1.2.3")]
    #[case("-1")]
    #[case("1e3")]
    #[case("1 M")]
    #[case("1m")]
    #[case("1Kb")]
    #[case("18446744073709551616")]
    #[case("99999999999T")]
    #[case("0.1234567890123")]
    fn anything_else_is_refused(#[case] text: &str) {
        assert!(parse_size(text).is_err());
    }
}
