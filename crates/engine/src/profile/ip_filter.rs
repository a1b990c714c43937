//! Addresses that nobody is connected to, from a file: eMule's `ipfilter.dat`, `PeerGuardian`'s `.p2p`, or networks as
//! `address/bits`, line by line and also mixed.
//!
//! Such lists are long, come from strangers and have bad lines. Those are counted, the first are named, and the rest of the
//! list holds; a file without a single range is not such a list, and refused.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use libtorrent_sys::AddressRange;

/// The longest file: the longest public lists have half of it.
const BYTES_MAX: u64 = 64 << 20;
/// The most ranges: libtorrent keeps each in a tree, about 100 bytes.
const RANGES_MAX: usize = 1_000_000;
/// The longest line; its end is passed over.
const LINE_BYTES_MAX: usize = 1024;
/// Bad lines that are named.
const BAD_LINES_NAMED_MAX: usize = 10;
/// eMule lets through what has a higher level.
const LEVEL_MAX: u32 = 127;

/// Addresses that nobody is connected to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IpFilter {
    ranges: Vec<AddressRange>,
    bad_lines: Vec<usize>,
    bad_lines_count: usize,
}

/// Why a file gives no filter.
#[derive(Debug, thiserror::Error)]
pub enum IpFilterError {
    /// It cannot be read.
    #[error("the IP filter file cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// It is too long.
    #[error("the IP filter file has more than {BYTES_MAX} bytes")]
    TooLong,
    /// It has too many ranges.
    #[error("the IP filter file has more than {RANGES_MAX} ranges")]
    TooMany,
    /// It has no ranges, and lines that are none.
    #[error("the IP filter file has no range of addresses; line {line} is none")]
    NotAFilter {
        /// The first bad line, from 1.
        line: usize,
    },
}

/// What a line says.
enum Line {
    Blocked(AddressRange),
    Nothing,
    Bad,
}

impl IpFilter {
    /// Reads a file. Blocking.
    pub fn read(path: &Path) -> Result<Self, IpFilterError> {
        let file = File::open(path)?;
        if file.metadata()?.len() > BYTES_MAX {
            return Err(IpFilterError::TooLong);
        }
        Self::parse(BufReader::new(file.take(BYTES_MAX)))
    }

    /// Reads the lines of such a file.
    pub fn parse(mut lines: impl BufRead) -> Result<Self, IpFilterError> {
        let mut filter = Self::default();
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            if lines.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            // Names in such lists have any encoding; addresses are ASCII in all of them.
            let text = String::from_utf8_lossy(&line[..line.len().min(LINE_BYTES_MAX)]);
            match read_line(text.trim()) {
                Line::Blocked(_) if filter.ranges.len() == RANGES_MAX => return Err(IpFilterError::TooMany),
                Line::Blocked(range) => filter.ranges.push(range),
                Line::Nothing => {}
                Line::Bad => {
                    filter.bad_lines_count += 1;
                    if filter.bad_lines.len() < BAD_LINES_NAMED_MAX {
                        filter.bad_lines.push(number);
                    }
                }
            }
        }
        match filter.bad_lines.first() {
            Some(&line) if filter.ranges.is_empty() => Err(IpFilterError::NotAFilter { line }),
            _ => Ok(filter),
        }
    }

    /// The addresses.
    pub fn ranges(&self) -> &[AddressRange] {
        &self.ranges
    }

    /// What is wrong with the file, in a sentence; `None` for nothing.
    pub fn complaint(&self) -> Option<String> {
        (self.bad_lines_count > 0).then(|| {
            let named: Vec<String> = self.bad_lines.iter().map(ToString::to_string).collect();
            let more = if self.bad_lines_count > named.len() { ", …" } else { "" };
            format!(
                "{} lines of the IP filter file are no ranges of addresses: {}{more}",
                self.bad_lines_count,
                named.join(", ")
            )
        })
    }
}

fn read_line(line: &str) -> Line {
    if line.is_empty() || line.starts_with(['#', ';']) || line.starts_with("//") {
        return Line::Nothing;
    }
    // eMule: `first - last , level , name`.
    if let Some((range, rest)) = line.split_once(',') {
        let level = rest.split(',').next().unwrap_or_default().trim().parse::<u32>();
        return match (level, range_of(range)) {
            (Ok(level), Some(_)) if level > LEVEL_MAX => Line::Nothing,
            (Ok(_), Some(range)) => Line::Blocked(range),
            // A comma in a name of the other format.
            _ => peer_guardian(line),
        };
    }
    range_of(line).map_or_else(|| peer_guardian(line), Line::Blocked)
}

/// `name:first-last`. Names have colons too; version 6 has none in this format.
fn peer_guardian(line: &str) -> Line {
    let range = line.rsplit_once(':').and_then(|(_, range)| range_of(range));
    range.map_or(Line::Bad, Line::Blocked)
}

/// `first-last`, `address/bits` or one address.
fn range_of(text: &str) -> Option<AddressRange> {
    if let Some((first, last)) = text.split_once('-') {
        return AddressRange::new(address(first)?, address(last)?);
    }
    let Some((network, bits)) = text.split_once('/') else {
        let one = address(text)?;
        return AddressRange::new(one, one);
    };
    let bits: u32 = bits.trim().parse().ok()?;
    match address(network)? {
        IpAddr::V4(network) if bits <= 32 => {
            let hosts = u32::MAX.checked_shr(bits).unwrap_or(0);
            let first = u32::from(network) & !hosts;
            AddressRange::new(Ipv4Addr::from(first).into(), Ipv4Addr::from(first | hosts).into())
        }
        IpAddr::V6(network) if bits <= 128 => {
            let hosts = u128::MAX.checked_shr(bits).unwrap_or(0);
            let first = u128::from(network) & !hosts;
            AddressRange::new(Ipv6Addr::from(first).into(), Ipv6Addr::from(first | hosts).into())
        }
        _ => None,
    }
}

/// An address; eMule fills each part of version 4 up with zeros, which the standard library takes for octal and refuses.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if text.contains(':') {
        return text.parse().ok();
    }
    let mut octets = [0_u8; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        let part = parts.next()?;
        let is_short = (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        *octet = part.parse().ok().filter(|_| is_short)?;
    }
    parts.next().is_none().then(|| IpAddr::from(octets))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn parse(text: &str) -> Result<IpFilter, IpFilterError> {
        IpFilter::parse(text.as_bytes())
    }

    #[rstest]
    #[case::emule("001.002.004.000 - 001.002.004.255 , 000 , a name", "1.2.4.0", "1.2.4.255")]
    #[case::peer_guardian("Some: one, Ltd.:1.2.3.4-1.2.3.9", "1.2.3.4", "1.2.3.9")]
    #[case::network("10.1.2.3/8", "10.0.0.0", "10.255.255.255")]
    #[case::everything("0.0.0.0/0", "0.0.0.0", "255.255.255.255")]
    #[case::network_v6("2001:db8::/33", "2001:db8::", "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff")]
    #[case::range_v6("fe80::1 - fe80::9", "fe80::1", "fe80::9")]
    #[case::one("1.2.3.4", "1.2.3.4", "1.2.3.4")]
    #[case::one_v6("::1/128", "::1", "::1")]
    fn line_of_each_format_is_a_range(#[case] line: &str, #[case] first: &str, #[case] last: &str) {
        let filter = parse(line).expect("a filter");
        let [first, last] = [first, last].map(|text| text.parse::<IpAddr>().expect("an address"));
        assert_eq!(filter.ranges(), [AddressRange::new(first, last).expect("a range")]);
        assert_eq!(filter.complaint(), None);
    }

    #[rstest]
    #[case::backwards("1.2.3.9-1.2.3.4")]
    #[case::mixed("1.2.3.4-::1")]
    #[case::too_wide("1.2.3.4/33")]
    #[case::no_address("1.2.3.256")]
    #[case::too_short("1.2.3")]
    #[case::signed("+1.2.3.4")]
    #[case::html("<html><body>404</body></html>")]
    fn file_without_a_range_is_refused_with_its_first_bad_line(#[case] line: &str) {
        let error = parse(&format!("# a list\n\n{line}\n")).expect_err("no filter");
        assert!(matches!(error, IpFilterError::NotAFilter { line: 3 }), "{error}");
    }

    #[test]
    fn bad_lines_are_counted_and_the_others_hold() {
        let bad: String = (0..20).map(|_| "rubbish\n").collect();
        let filter =
            parse(&format!("1.2.3.4\n{bad}1.2.3.5 - 1.2.3.6 , 200 , let through\n")).expect("a filter");
        assert_eq!(filter.ranges().len(), 1);
        let complaint = filter.complaint().expect("a complaint");
        assert!(complaint.starts_with("20 lines of the IP filter file"), "{complaint}");
        assert!(complaint.ends_with("2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …"), "{complaint}");
    }

    #[test]
    fn empty_file_blocks_nobody() {
        assert_eq!(parse("# nobody yet\n").expect("a filter").ranges(), []);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = IpFilter::parse(bytes.as_slice());
        }

        #[test]
        fn any_range_is_read_back(one in any::<u32>(), other in any::<u32>()) {
            let [first, last] = [one.min(other), one.max(other)].map(|bits| IpAddr::from(Ipv4Addr::from(bits)));
            let filter = parse(&format!("x:{first}-{last}")).expect("a filter");
            prop_assert_eq!(filter.ranges(), [AddressRange::new(first, last).expect("a range")]);
        }
    }
}
