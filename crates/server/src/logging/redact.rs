//! Secrets, taken out of what is about to be written to the log.
//!
//! Nothing in the code logs a secret on purpose. What libtorrent, a tracker or a driver says of itself may hold one: the passkey in a
//! tracker's address, a password in a URL, a key that somebody put where it does not belong. What is left says that something was there.

use std::borrow::Cow;
use std::io::{self, Write};

/// Stands for what was taken out.
const HIDDEN: &str = "***";
/// What a secret of ours begins with: a key, a setup token, a ticket.
const OURS: [&str; 3] = ["rvk_", "rvs_", "rvt_"];
/// What is worth as much as a password in an address.
const NAMES: [&str; 6] = ["passkey", "authkey", "torrent_pass", "ticket", "password", "token"];
/// The path that private trackers put a passkey before, plain and as it stands in a magnet link.
const ANNOUNCE: [(&str, &str); 2] = [("/announce", "/"), ("%2Fannounce", "%2F")];
/// A part of a path that is at least so long is no name.
const PASSKEY_MIN: usize = 16;

/// A line without its secrets.
pub(super) fn redacted(line: &str) -> Cow<'_, str> {
    let mut spans = Vec::new();
    for prefix in OURS {
        for (at, _) in line.match_indices(prefix) {
            let from = at + prefix.len();
            spans.push(from..from + length(&line[from..], is_of_secret));
        }
    }
    for name in NAMES {
        for (at, _) in line.match_indices(name) {
            let after = at + name.len();
            let Some(sign) = ["=", "%3D"].iter().find(|sign| line[after..].starts_with(**sign)) else {
                continue;
            };
            let from = after + sign.len();
            spans.push(from..from + length(&line[from..], is_of_value));
        }
    }
    for (announce, slash) in ANNOUNCE {
        for (end, _) in line.match_indices(announce) {
            let Some(at) = line[..end].rfind(slash) else { continue };
            let segment = at + slash.len()..end;
            let passes_for_a_key = line[segment.clone()].bytes().all(|byte| byte.is_ascii_alphanumeric());
            if segment.len() >= PASSKEY_MIN && passes_for_a_key {
                spans.push(segment);
            }
        }
    }
    for (at, _) in line.match_indices("://") {
        let from = at + 3;
        let authority = length(&line[from..], |byte| is_of_value(byte) && byte != b'/');
        if let Some(end) = line[from..from + authority].rfind('@') {
            spans.push(from..from + end);
        }
    }
    spans.retain(|span| !span.is_empty());
    if spans.is_empty() {
        return Cow::Borrowed(line);
    }
    spans.sort_by_key(|span| span.start);
    let (mut clean, mut from) = (String::with_capacity(line.len()), 0);
    for span in spans {
        // Within one that was taken out already.
        if span.start < from {
            from = from.max(span.end);
            continue;
        }
        clean.push_str(&line[from..span.start]);
        clean.push_str(HIDDEN);
        from = span.end;
    }
    clean.push_str(&line[from..]);
    Cow::Owned(clean)
}

fn length(text: &str, belongs: impl Fn(u8) -> bool) -> usize {
    text.bytes().take_while(|byte| belongs(*byte)).count()
}

fn is_of_secret(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn is_of_value(byte: u8) -> bool {
    byte.is_ascii_graphic()
        && !matches!(byte, b'&' | b'"' | b'\'' | b'\\' | b'`' | b'<' | b'>' | b')' | b',' | b';')
}

/// Writes lines without their secrets.
pub(super) struct Redacting<W>(pub(super) W);

impl<W: Write> Write for Redacting<W> {
    /// A line comes in one piece: the formatter gathers it before.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write_all(redacted(&String::from_utf8_lossy(line)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::key("asked with rvk_01JD_abc-DEF by", "asked with rvk_*** by")]
    #[case::in_quotes("{\"secret\":\"rvs_abc\"}", "{\"secret\":\"rvs_***\"}")]
    #[case::passkey(
        "GET https://t.example/a?passkey=0af3&x=1 failed",
        "GET https://t.example/a?passkey=***&x=1 failed"
    )]
    #[case::in_a_magnet(
        "tr=https%3A%2F%2Ft%2Fa%3Fpasskey%3D0af3&dn=x",
        "tr=https%3A%2F%2Ft%2Fa%3Fpasskey%3D***&dn=x"
    )]
    #[case::in_the_path(
        "http://t.example:80/0123456789abcdef0123/announce: timed out",
        "http://t.example:80/***/announce: timed out"
    )]
    #[case::path_in_a_magnet(
        "tr=http%3A%2F%2Ft%2F0123456789abcdef0123%2Fannounce",
        "tr=http%3A%2F%2Ft%2F***%2Fannounce"
    )]
    #[case::of_a_url("postgres://revaer:s3cret@db/revaer is away", "postgres://***@db/revaer is away")]
    #[case::two("rvk_a and rvt_b", "rvk_*** and rvt_***")]
    #[case::within("password=rvk_abc.", "password=***")]
    fn secret_is_taken_out_and_the_rest_stays(#[case] line: &str, #[case] clean: &str) {
        assert_eq!(redacted(line), clean);
    }

    #[rstest]
    #[case("http://tracker.example/announce")]
    #[case("http://tracker.example/public/announce")]
    #[case("every torrent of the log was compared with the session torrents=3")]
    #[case("passkeys are hidden; tokens too")]
    #[case("https://example.org/a@b")]
    fn line_without_a_secret_is_not_touched(#[case] line: &str) {
        assert!(matches!(redacted(line), Cow::Borrowed(_)), "{}", redacted(line));
    }

    #[test]
    fn writer_says_that_it_wrote_what_it_was_given() {
        let mut writer = Redacting(Vec::new());
        let line = b"key rvk_abcdefghijkl\n";
        assert_eq!(writer.write(line).unwrap(), line.len());
        assert_eq!(writer.0, b"key rvk_***\n");
    }
}
