//! The forms of texts: what a text of the document has to look like, beyond its length.

use std::net::SocketAddr;
use std::str::FromStr;

use globset::Glob;
use ipnet::IpNet;
use ulid::Ulid;

use crate::values::Label;

/// The form of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One line.
    Plain,
    /// An absolute path without `..`.
    Path,
    /// `address:port`.
    SocketAddress,
    /// `address:port` or `interface:port`, separated by commas; libtorrent's `s` and `l` may follow a port.
    Interfaces,
    /// A name or an address.
    Host,
    /// An address, or a network as `address/bits`.
    Network,
    /// `scheme://host` or `scheme://host:port`.
    Origin,
    /// A name of the tz database.
    TimeZone,
    /// `HH:MM`, up to `24:00`.
    ClockTime,
    /// Permissions in octal.
    Mode,
    /// The name or number of a user or group.
    Account,
    /// A glob.
    Glob,
    /// A label, or a name that follows the same rule.
    Label,
    /// A relative path with `{…}` in it.
    Template,
    /// A few printable characters of ASCII.
    PeerIdPrefix,
    /// One or more PEM sections.
    Pem,
    /// A ULID.
    Ulid,
}

impl Format {
    /// Whether a text has the form.
    pub fn fits(self, text: &str) -> bool {
        match self {
            Self::Plain => is_line(text),
            Self::Path => is_path(text),
            Self::SocketAddress => text.parse::<SocketAddr>().is_ok(),
            Self::Interfaces => text.split(',').all(is_interface),
            Self::Host => is_host(text),
            Self::Network => is_network(text),
            Self::Origin => is_origin(text),
            Self::TimeZone => jiff::tz::TimeZone::get(text).is_ok(),
            Self::ClockTime => minutes(text).is_some(),
            Self::Mode => {
                (3..=4).contains(&text.len()) && text.bytes().all(|byte| (b'0'..=b'7').contains(&byte))
            }
            Self::Account => is_account(text),
            Self::Glob => !text.is_empty() && Glob::new(text).is_ok(),
            Self::Label => Label::from_str(text).is_ok(),
            Self::Template => is_template(text),
            Self::PeerIdPrefix => !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()),
            Self::Pem => text.contains("-----BEGIN ") && text.contains("-----END "),
            Self::Ulid => Ulid::from_string(text).is_ok(),
        }
    }

    /// The form in words, as in "is not …".
    pub const fn words(self) -> &'static str {
        match self {
            Self::Plain => "one line of text",
            Self::Path => "an absolute path without `..`",
            Self::SocketAddress => "`address:port`, as 127.0.0.1:7070 or [::1]:7070",
            Self::Interfaces => "`address:port` or `interface:port`, separated by commas",
            Self::Host => "a host name or an address",
            Self::Network => "an address, or a network as 10.0.0.0/8",
            Self::Origin => "an origin, as https://example.org or http://localhost:3000",
            Self::TimeZone => "a time zone of the tz database, as Europe/Berlin",
            Self::ClockTime => "a time of day, as 07:30, up to 24:00",
            Self::Mode => "permissions in octal, as 0644",
            Self::Account => "the name or number of a user or group",
            Self::Glob => "a glob",
            Self::Label => "a label: no control characters, no slash, no blank at either end",
            Self::Template => "a relative path without `..`, with words in braces, as {name}",
            Self::PeerIdPrefix => "printable ASCII",
            Self::Pem => "PEM",
            Self::Ulid => "a ULID",
        }
    }
}

/// Minutes after midnight of `HH:MM`; 24:00 is the end of the day.
pub(super) fn minutes(text: &str) -> Option<u16> {
    let digits = |part: &str| {
        (part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| part.parse::<u16>().ok())?
    };
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes) = (digits(hours)?, digits(minutes)?);
    let whole = hours * 60 + minutes;
    (minutes < 60 && whole <= 24 * 60).then_some(whole)
}

fn is_line(text: &str) -> bool {
    !text.is_empty() && text.trim() == text && !text.chars().any(char::is_control)
}

fn is_path(text: &str) -> bool {
    text.starts_with('/') && !text.chars().any(char::is_control) && text.split('/').all(|part| part != "..")
}

fn is_interface(text: &str) -> bool {
    let text = text.trim_end_matches(['s', 'l']);
    let Some((device, port)) = text.rsplit_once(':') else { return false };
    let is_address = text.parse::<SocketAddr>().is_ok();
    let is_device = !device.is_empty()
        && device
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'@'));
    port.parse::<u16>().is_ok() && (is_address || is_device)
}

fn is_host(text: &str) -> bool {
    let is_name = |part: &str| {
        (1..=63).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    text.parse::<std::net::IpAddr>().is_ok() || text.trim_end_matches('.').split('.').all(is_name)
}

fn is_network(text: &str) -> bool {
    text.parse::<IpNet>().is_ok() || text.parse::<std::net::IpAddr>().is_ok()
}

fn is_origin(text: &str) -> bool {
    let Some(("http" | "https", authority)) = text.split_once("://") else { return false };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .is_some_and(|host| host.parse::<std::net::Ipv6Addr>().is_ok());
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    // A browser writes the host in lower case, and compares byte by byte.
    let is_lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    is_lower && (is_address || is_host(host)) && port.is_none_or(is_port)
}

fn is_account(text: &str) -> bool {
    let rest = text.strip_prefix(|c: char| c.is_ascii_lowercase() || c == '_').unwrap_or(text);
    let is_name = rest.len() < text.len()
        && rest
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-'));
    is_name || (text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u32>().is_ok())
}

fn is_template(text: &str) -> bool {
    let is_relative = is_line(text) && !text.starts_with('/') && text.split('/').all(|part| part != "..");
    let mut open = false;
    let balanced = text.chars().all(|c| match c {
        '{' => !std::mem::replace(&mut open, true),
        '}' => std::mem::replace(&mut open, false),
        _ => true,
    });
    is_relative && balanced && !open
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::path(Format::Path, "/srv/library", true)]
    #[case::relative_path(Format::Path, "srv", false)]
    #[case::path_upwards(Format::Path, "/srv/../etc", false)]
    #[case::address(Format::SocketAddress, "[::1]:7070", true)]
    #[case::name_for_address(Format::SocketAddress, "localhost:7070", false)]
    #[case::interfaces(Format::Interfaces, "0.0.0.0:6881,[::]:6881s,eth0:0", true)]
    #[case::interface_without_port(Format::Interfaces, "eth0", false)]
    #[case::host(Format::Host, "proxy.example.org", true)]
    #[case::host_with_port(Format::Host, "proxy:1080", false)]
    #[case::network(Format::Network, "fd00::/8", true)]
    #[case::network_too_wide(Format::Network, "10.0.0.0/33", false)]
    #[case::origin(Format::Origin, "http://localhost:3000", true)]
    #[case::origin_with_path(Format::Origin, "https://example.org/", false)]
    #[case::any_origin(Format::Origin, "*", false)]
    #[case::zone(Format::TimeZone, "Europe/Berlin", true)]
    #[case::no_zone(Format::TimeZone, "Europe/Atlantis", false)]
    #[case::midnight(Format::ClockTime, "24:00", true)]
    #[case::after_midnight(Format::ClockTime, "24:01", false)]
    #[case::short_time(Format::ClockTime, "7:30", false)]
    #[case::mode(Format::Mode, "0644", true)]
    #[case::decimal_mode(Format::Mode, "0680", false)]
    #[case::account(Format::Account, "media", true)]
    #[case::account_number(Format::Account, "1000", true)]
    #[case::account_with_colon(Format::Account, "media:media", false)]
    #[case::template(Format::Template, "films/{name}", true)]
    #[case::template_upwards(Format::Template, "../{name}", false)]
    #[case::template_left_open(Format::Template, "{name", false)]
    #[case::two_lines(Format::Plain, "a\nb", false)]
    fn form_is_held(#[case] format: Format, #[case] text: &str, #[case] fits: bool) {
        assert_eq!(format.fits(text), fits);
    }

    #[test]
    fn time_of_day_counts_minutes() {
        assert_eq!(minutes("07:30"), Some(450));
    }
}
