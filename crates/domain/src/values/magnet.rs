//! Magnet URIs (BEP 9, and BEP 52 for `urn:btmh`).
//!
//! The text is kept as it came, because libtorrent reads it again at every start; what the rules need (hashes, name,
//! trackers, peers) is taken out once, here.

use std::net::SocketAddr;
use std::str::FromStr;

use super::InfoHashes;

/// The longest magnet URI that is accepted, in bytes.
pub const MAGNET_BYTES_MAX: usize = 8 * 1024;
/// The most trackers that one magnet URI may name.
pub const MAGNET_TRACKERS_MAX: usize = 64;
/// The most peers (`x.pe`) that one magnet URI may name.
pub const MAGNET_PEERS_MAX: usize = 64;

const SCHEME: &str = "magnet:?";

/// A magnet URI with at least one info hash of `BitTorrent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MagnetUri {
    text: String,
    info_hashes: InfoHashes,
    name: Option<String>,
    trackers: Vec<String>,
    peers: Vec<SocketAddr>,
}

/// Why a text is not a usable magnet URI.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMagnet {
    /// Longer than [`MAGNET_BYTES_MAX`].
    #[error("magnet URI of {0} bytes is longer than the {MAGNET_BYTES_MAX} that are accepted")]
    TooLong(usize),
    /// Another scheme.
    #[error("not a magnet URI: it has to begin with `magnet:?`")]
    Scheme,
    /// No `xt=urn:btih:` and no `xt=urn:btmh:`.
    #[error("magnet URI names no info hash (xt=urn:btih:… or xt=urn:btmh:1220…)")]
    NoInfoHash,
    /// An `xt` that is a hash of `BitTorrent` and does not parse.
    #[error("info hash in the magnet URI is malformed: `{0}`")]
    InfoHash(String),
    /// The same version twice with different hashes.
    #[error("magnet URI names two different info hashes of one version")]
    Ambiguous,
    /// A `%` that is not followed by two hexadecimal digits, or bytes that are not UTF-8.
    #[error("magnet URI has a broken percent-encoding in `{0}`")]
    Encoding(String),
    /// Control characters or blanks inside.
    #[error("magnet URI contains a blank or control character")]
    Character,
    /// An `x.pe` that is not `address:port`.
    #[error("peer `{0}` in the magnet URI is not an `address:port`")]
    Peer(String),
    /// More trackers or peers than are accepted.
    #[error("magnet URI names more than {MAGNET_TRACKERS_MAX} trackers or {MAGNET_PEERS_MAX} peers")]
    TooMany,
}

impl MagnetUri {
    /// The URI as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The hashes that it names.
    pub fn info_hashes(&self) -> InfoHashes {
        self.info_hashes
    }

    /// The display name (`dn`), if any. It is a hint of whoever made the link, never a path.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Announce URLs (`tr`), in order.
    pub fn trackers(&self) -> &[String] {
        &self.trackers
    }

    /// The URI without the announce URLs that are picked: everything else stays as it was given.
    #[must_use]
    pub fn without_trackers(&self, is_picked: impl Fn(&str) -> bool) -> String {
        let (scheme, parameters) = self.text.split_at(SCHEME.len());
        let stays = |parameter: &&str| {
            let (key, raw) = key_and_value(parameter);
            key != "tr" || !percent_decoded(raw).is_ok_and(|tracker| is_picked(&tracker))
        };
        let parameters: Vec<_> = parameters.split('&').filter(stays).collect();
        format!("{scheme}{}", parameters.join("&"))
    }

    /// Peers to try first (`x.pe`); host names are left to libtorrent.
    pub fn peers(&self) -> &[SocketAddr] {
        &self.peers
    }
}

impl FromStr for MagnetUri {
    type Err = InvalidMagnet;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > MAGNET_BYTES_MAX {
            return Err(InvalidMagnet::TooLong(text.len()));
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(InvalidMagnet::Character);
        }
        if !text.get(..SCHEME.len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME)) {
            return Err(InvalidMagnet::Scheme);
        }
        let mut magnet = Self {
            text: text.to_owned(),
            info_hashes: InfoHashes::default(),
            name: None,
            trackers: Vec::new(),
            peers: Vec::new(),
        };
        for parameter in text[SCHEME.len()..].split('&') {
            let (key, raw) = key_and_value(parameter);
            magnet.take(key, raw)?;
        }
        if magnet.info_hashes.primary().is_none() {
            return Err(InvalidMagnet::NoInfoHash);
        }
        Ok(magnet)
    }
}

impl MagnetUri {
    fn take(&mut self, key: &str, raw: &str) -> Result<(), InvalidMagnet> {
        match key {
            "xt" => {
                let hashes = exact_topic(&percent_decoded(raw)?)?;
                let clash =
                    |own: Option<&[u8]>, new: Option<&[u8]>| own.is_some() && new.is_some() && own != new;
                if clash(
                    self.info_hashes.v1.as_ref().map(<[u8; 20]>::as_slice),
                    hashes.v1.as_ref().map(<[u8; 20]>::as_slice),
                ) || clash(
                    self.info_hashes.v2.as_ref().map(<[u8; 32]>::as_slice),
                    hashes.v2.as_ref().map(<[u8; 32]>::as_slice),
                ) {
                    return Err(InvalidMagnet::Ambiguous);
                }
                self.info_hashes = self.info_hashes.union(hashes);
            }
            "dn" => {
                let name = percent_decoded(&raw.replace('+', " "))?;
                let name: String = name.chars().filter(|c| !c.is_control()).collect();
                self.name = Some(name).filter(|name| !name.trim().is_empty());
            }
            "tr" => {
                let tracker = percent_decoded(raw)?;
                if !tracker.is_empty() && !self.trackers.contains(&tracker) {
                    self.trackers.push(tracker);
                }
            }
            "x.pe" => {
                let peer = percent_decoded(raw)?;
                match peer.parse::<SocketAddr>() {
                    Ok(address) => self.peers.push(address),
                    // A host name is legal (BEP 9); libtorrent resolves it or leaves it.
                    Err(_) if is_host_and_port(&peer) => {}
                    Err(_) => return Err(InvalidMagnet::Peer(peer)),
                }
            }
            _ => {}
        }
        if self.trackers.len() > MAGNET_TRACKERS_MAX || self.peers.len() > MAGNET_PEERS_MAX {
            return Err(InvalidMagnet::TooMany);
        }
        Ok(())
    }
}

fn key_and_value(parameter: &str) -> (&str, &str) {
    let (key, raw) = parameter.split_once('=').unwrap_or((parameter, ""));
    // `tr.1`, `xt.2`: numbered forms of the same parameter.
    match key.split_once('.') {
        Some((base, number)) if number.chars().all(|c| c.is_ascii_digit()) => (base, raw),
        _ => (key, raw),
    }
}

fn is_host_and_port(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty()
            && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
            && port.parse::<u16>().is_ok_and(|port| port != 0)
    })
}

/// Reads one `xt`. Topics of other networks give no hash and no error: a magnet URI may carry several.
fn exact_topic(topic: &str) -> Result<InfoHashes, InvalidMagnet> {
    let malformed = || InvalidMagnet::InfoHash(topic.to_owned());
    if let Some(hash) = topic.strip_prefix("urn:btih:") {
        let bytes = match hash.len() {
            40 => hex::decode(hash).map_err(|_| malformed())?,
            32 => base32_decoded(hash).ok_or_else(malformed)?,
            _ => return Err(malformed()),
        };
        let v1 = bytes.try_into().map_err(|_| malformed())?;
        return Ok(InfoHashes { v1: Some(v1), v2: None });
    }
    if let Some(multihash) = topic.strip_prefix("urn:btmh:") {
        // A multihash: 0x12 says SHA-256, 0x20 says 32 bytes.
        let hash = multihash.strip_prefix("1220").ok_or_else(malformed)?;
        let bytes = hex::decode(hash).map_err(|_| malformed())?;
        let v2 = bytes.try_into().map_err(|_| malformed())?;
        return Ok(InfoHashes { v1: None, v2: Some(v2) });
    }
    Ok(InfoHashes::default())
}

/// Base 32 of RFC 4648 without padding, 32 characters to 20 bytes: the older spelling of a v1 hash.
fn base32_decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(20);
    let (mut buffer, mut bits) = (0_u32, 0);
    for c in text.bytes() {
        let value = match c.to_ascii_uppercase() {
            c @ b'A'..=b'Z' => c - b'A',
            c @ b'2'..=b'7' => c - b'2' + 26,
            _ => return None,
        };
        buffer = (buffer << 5) | u32::from(value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((buffer >> bits) & 0xff).expect("masked to eight bits"));
        }
    }
    Some(bytes)
}

fn percent_decoded(raw: &str) -> Result<String, InvalidMagnet> {
    let broken = || InvalidMagnet::Encoding(raw.to_owned());
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().ok_or_else(broken)?, rest.next().ok_or_else(broken)?];
            let mut decoded = [0];
            hex::decode_to_slice(digits, &mut decoded).map_err(|_| broken())?;
            bytes.push(decoded[0]);
        } else {
            bytes.push(byte);
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| broken())?;
    if text.contains('\0') { Err(broken()) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    const V1: &str = "c12fe1c06bba254a9dc9f519b335aa7c1367a88a";

    #[test]
    fn magnet_gives_hashes_name_trackers_and_peers() {
        let v2 = "ab".repeat(32);
        let text = format!(
            "magnet:?xt=urn:btih:{V1}&xt=urn:btmh:1220{v2}&dn=A%20file&tr=http%3A%2F%2F127.0.0.1%2Fannounce&x.pe=127.0.0.1:6881&x.pe=seed.local:6881"
        );
        let magnet: MagnetUri = text.parse().expect("parses");
        assert_eq!(magnet.as_str(), text);
        assert_eq!(magnet.info_hashes().iter().count(), 2);
        assert_eq!(magnet.name(), Some("A file"));
        assert_eq!(magnet.trackers(), ["http://127.0.0.1/announce"]);
        assert_eq!(magnet.peers(), ["127.0.0.1:6881".parse().expect("address")]);
    }

    #[test]
    fn announce_urls_are_left_out_as_they_are_picked_and_the_rest_stays() {
        let text = format!(
            "MAGNET:?xt=urn:btih:{V1}&tr.1=http%3A%2F%2Fa%2Fkey&dn=A+b&tr=http%3A%2F%2Fb%2F&x.pe=127.0.0.1:1"
        );
        let magnet: MagnetUri = text.parse().expect("parses");
        let without = magnet.without_trackers(|tracker| tracker == "http://a/key");
        assert_eq!(without, format!("MAGNET:?xt=urn:btih:{V1}&dn=A+b&tr=http%3A%2F%2Fb%2F&x.pe=127.0.0.1:1"));
        assert_eq!(magnet.without_trackers(|_| false), text);
    }

    #[test]
    fn base32_and_hexadecimal_name_the_same_torrent() {
        let hexadecimal: MagnetUri = format!("magnet:?xt=urn:btih:{V1}").parse().expect("parses");
        let base32: MagnetUri =
            "magnet:?xt=urn:btih:YEX6DQDLXISUVHOJ6UM3GNNKPQJWPKEK".parse().expect("parses");
        assert_eq!(hexadecimal.info_hashes(), base32.info_hashes());
    }

    #[rstest]
    #[case::other_scheme("http://example/", InvalidMagnet::Scheme)]
    #[case::no_topic("magnet:?dn=x", InvalidMagnet::NoInfoHash)]
    #[case::foreign_topic("magnet:?xt=urn:sha1:ABC", InvalidMagnet::NoInfoHash)]
    #[case::short("magnet:?xt=urn:btih:abc", InvalidMagnet::InfoHash("urn:btih:abc".into()))]
    #[case::cut_escape("magnet:?xt=urn:btih:%4", InvalidMagnet::Encoding("urn:btih:%4".into()))]
    #[case::blank("magnet:?xt=urn:btih: a", InvalidMagnet::Character)]
    fn malformed_magnet_is_refused(#[case] text: &str, #[case] error: InvalidMagnet) {
        assert_eq!(text.parse::<MagnetUri>(), Err(error));
    }

    #[test]
    fn magnet_above_the_limit_is_refused() {
        let text = format!("magnet:?xt=urn:btih:{V1}&dn={}", "x".repeat(MAGNET_BYTES_MAX));
        assert!(matches!(text.parse::<MagnetUri>(), Err(InvalidMagnet::TooLong(_))));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(magnet:\\?)?[ -~é\u{0}]{0,80}") {
            let _ = text.parse::<MagnetUri>();
        }
    }
}
