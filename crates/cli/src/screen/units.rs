//! Numbers as people read them. Units are of 1000s, as on disks and links.

const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];

/// `0 B`, `999 B`, `1.5 kB`, `12.3 MB`, `536 MB`.
pub(crate) fn size(bytes: u64) -> String {
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    // Three digits are read; 53 bits carry fifteen.
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut number = bytes as f64 / 1000.0;
    let mut unit = 0;
    // What would be rounded to 1000 is 1.0 of the next unit.
    while number >= 999.5 && unit + 1 < UNITS.len() {
        number /= 1000.0;
        unit += 1;
    }
    let decimals = usize::from(number < 99.95);
    format!("{number:.decimals$} {}", UNITS[unit])
}

/// A size each second; nothing to see when it stands still.
pub(crate) fn rate(bytes_per_second: u64) -> String {
    if bytes_per_second == 0 { "-".to_owned() } else { format!("{}/s", size(bytes_per_second)) }
}

/// `42.3 %`. It says 100 only when nothing is missing.
pub(crate) fn percent(part: f64) -> String {
    let tenths = (part.clamp(0.0, 1.0) * 1000.0).floor() / 10.0;
    format!("{tenths:.1} %")
}

/// `45s`, `1m 20s`, `3h 05m`, `2d 04h`.
pub(crate) fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h {:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d {:02}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// `1.25`, or nothing to see before anything was received.
pub(crate) fn ratio(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, "0 B")]
    #[case(999, "999 B")]
    #[case(1_000, "1.0 kB")]
    #[case(1_550, "1.6 kB")]
    #[case(99_949, "99.9 kB")]
    #[case(99_950, "100 kB")]
    #[case(999_499, "999 kB")]
    #[case(999_500, "1.0 MB")]
    #[case(536_870_912, "537 MB")]
    #[case(u64::MAX, "18.4 EB")]
    fn size_has_about_three_digits(#[case] bytes: u64, #[case] expected: &str) {
        assert_eq!(size(bytes), expected);
    }

    #[rstest]
    #[case(0.0, "0.0 %")]
    #[case(0.4239, "42.3 %")]
    #[case(0.999_999, "99.9 %")]
    #[case(1.0, "100.0 %")]
    #[case(f64::NAN, "NaN %")]
    fn part_is_rounded_down(#[case] part: f64, #[case] expected: &str) {
        assert_eq!(percent(part), expected);
    }

    #[rstest]
    #[case(0, "0s")]
    #[case(80, "1m 20s")]
    #[case(11_100, "3h 05m")]
    #[case(187_200, "2d 04h")]
    fn duration_has_two_units(#[case] seconds: u64, #[case] expected: &str) {
        assert_eq!(duration(seconds), expected);
    }
}
