//! Where a page ended: the sort key and the id of its last torrent, opaque to the client.
//!
//! A cursor carries its version, its sort and a hash of the filters. One of another list is refused: it would give a page that
//! looks right and is not.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::{QueryError, TorrentQuery};

/// Raised when the meaning of a field changes.
const VERSION: u8 = 1;
/// Longer than any cursor that we made: a key of 512 characters of four bytes, escaped and encoded.
const TEXT_BYTES_MAX: usize = 16_384;

/// The sort key of a torrent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Key {
    /// Microseconds since 1970.
    #[serde(rename = "t")]
    Time(i64),
    /// A name in lower case.
    #[serde(rename = "n")]
    Name(String),
    /// A size.
    #[serde(rename = "s")]
    Size(i64),
    /// The bits of a fraction, since its decimal form may be read back as a neighbour.
    #[serde(rename = "p")]
    Progress(u64),
}

/// The end of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) key: Key,
    pub(crate) id: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Encoded {
    v: u8,
    sort: String,
    filter: String,
    key: Key,
    id: String,
}

impl Cursor {
    /// As the client gets it.
    pub(crate) fn encode(self, query: &TorrentQuery) -> String {
        let encoded =
            Encoded { v: VERSION, sort: sort(query), filter: filter(query), key: self.key, id: self.id };
        let json = serde_json::to_vec(&encoded).expect("texts and numbers always serialise");
        BASE64_URL_SAFE_NO_PAD.encode(json)
    }

    /// Reads the cursor of this very list.
    pub(crate) fn decode(text: &str, query: &TorrentQuery) -> Result<Self, QueryError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(QueryError::Cursor);
        }
        let json = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| QueryError::Cursor)?;
        let encoded: Encoded = serde_json::from_slice(&json).map_err(|_| QueryError::Cursor)?;
        let ours = encoded.v == VERSION && encoded.sort == sort(query) && encoded.filter == filter(query);
        let clean = !encoded.id.contains('\0')
            && match &encoded.key {
                Key::Name(name) => !name.contains('\0'),
                // A fraction compares with every other; what is no number has no place in an order.
                Key::Progress(bits) => f64::from_bits(*bits).is_finite(),
                Key::Time(_) | Key::Size(_) => true,
            };
        if ours && clean { Ok(Self { key: encoded.key, id: encoded.id }) } else { Err(QueryError::Cursor) }
    }
}

fn sort(query: &TorrentQuery) -> String {
    format!("{}{}", if query.descending { "-" } else { "" }, query.sort.name())
}

/// FNV-1a over the filters. It need not resist malice: a forged cursor shows no more than an honest one.
fn filter(query: &TorrentQuery) -> String {
    let filters = (
        &query.name,
        query.state.map(revaer_domain::torrent::Status::name),
        &query.tracker,
        &query.extension,
        &query.label,
    );
    let canonical = serde_json::to_vec(&filters).expect("texts always serialise");
    let hash = canonical.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Sort;

    #[test]
    fn cursor_of_another_list_is_refused() {
        let query = TorrentQuery { name: Some("a".into()), ..TorrentQuery::default() };
        let text = Cursor { key: Key::Time(7), id: "x".into() }.encode(&query);
        assert!(Cursor::decode(&text, &query).is_ok());
        let others = [
            TorrentQuery { name: Some("b".into()), ..query.clone() },
            TorrentQuery { name: None, label: Some("a".into()), ..query.clone() },
            TorrentQuery { sort: Sort::Name, ..query.clone() },
            TorrentQuery { descending: true, ..query.clone() },
        ];
        for other in others {
            assert!(matches!(Cursor::decode(&text, &other), Err(QueryError::Cursor)), "{other:?}");
        }
        let wider = TorrentQuery { limit: 7, ..query };
        assert!(Cursor::decode(&text, &wider).is_ok(), "the length of a page is no filter");
    }

    proptest! {
        #[test]
        fn what_was_encoded_decodes(name in "[^\0]{0,600}", progress in 0.0..=1.0_f64, id in "[0-9A-Z]{26}") {
            let query = TorrentQuery::default();
            for key in [Key::Name(name), Key::Progress(progress.to_bits())] {
                let cursor = Cursor { key, id: id.clone() };
                prop_assert_eq!(Cursor::decode(&cursor.clone().encode(&query), &query).ok(), Some(cursor));
            }
        }

        #[test]
        fn damage_is_refused_and_never_a_panic(text in "\\PC{0,200}") {
            let _ = Cursor::decode(&text, &TorrentQuery::default());
        }
    }
}
