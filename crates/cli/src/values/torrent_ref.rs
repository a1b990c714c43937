//! Which torrent is meant: its ULID, or the info hash of one that is there.

use std::str::FromStr;

/// A reference that has the form of one. Whether there is such a torrent is for the service to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TorrentRef(String);

impl TorrentRef {
    /// As it is sent.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TorrentRef {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let has_form = match text.len() {
            26 => text.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            40 | 64 => text.bytes().all(|byte| byte.is_ascii_hexdigit()),
            _ => false,
        };
        if has_form {
            Ok(TorrentRef(text.to_owned()))
        } else {
            Err(
                "expected a torrent's id (26 letters and digits) or its info hash (40 or 64 hexadecimal digits)",
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::ulid("01ARZ3NDEKTSV4RRFFQ69G5FAV", true)]
    #[case::v1("0123456789abcdef0123456789abcdef01234567", true)]
    #[case::v2("0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF", true)]
    #[case::empty("", false)]
    #[case::parent("..", false)]
    #[case::path("01ARZ3NDEKTSV4RRFFQ69G5F/V", false)]
    #[case::no_hash("z123456789abcdef0123456789abcdef01234567", false)]
    fn reference_has_the_form_of_an_id(#[case] text: &str, #[case] accepted: bool) {
        assert_eq!(text.parse::<TorrentRef>().is_ok(), accepted);
    }
}
