//! The API: where it listens, whom it trusts, and its bounds.

use super::SecretRef;
use super::catalogue::Kind;
use super::format::Format;
use super::section::section;

const PATH: Kind = Kind::Text { format: Format::Path, bytes_max: 4096 };

section! {
    /// The API.
    HttpSettings at "/http";
    groups {
        /// The certificate, for HTTPS.
        tls: TlsSettings;
        /// How fast one API key may ask.
        rate_limit: RateLimitSettings;
        /// How fast one address may ask without a key.
        unauthenticated_rate_limit: UnauthenticatedRateLimitSettings;
    }
    keys {
        /// Where the API listens; the flag `--listen` wins. Beyond loopback only once the setup is complete.
        listen: String = "127.0.0.1:7070".to_owned(), Kind::Text { format: Format::SocketAddress, bytes_max: 64 }, Restart;
        /// Proxies that are believed when they say for whom they ask: addresses or networks.
        trusted_proxies: Vec<String> = Vec::new(),
            Kind::List { of: &Kind::Text { format: Format::Network, bytes_max: 64 }, items_max: 64 }, Live;
        /// Origins whose pages may use the API from a browser, as `https://host:port`.
        cors_origins: Vec<String> = Vec::new(),
            Kind::List { of: &Kind::Text { format: Format::Origin, bytes_max: 300 }, items_max: 64 }, Live;
        /// How long a command is remembered, so that a repeat with its key happens once.
        idempotency_days: u32 = 30, Kind::Integer { min: 1, max: 3650 }, Live;
        /// The largest torrent file.
        metainfo_bytes_max: u64 = 16 << 20, Kind::Integer { min: 1 << 20, max: 128 << 20 }, Live;
        /// How long a request may take. The stream of events is not bound by it.
        request_timeout_seconds: u32 = 30, Kind::Integer { min: 1, max: 600 }, Live;
        /// How long the headers of a request may take to arrive.
        header_timeout_seconds: u32 = 10, Kind::Integer { min: 1, max: 120 }, Live;
        /// The most connections at once.
        connections_max: u32 = 1024, Kind::Integer { min: 8, max: 65_535 }, Live;
        /// The most streams of events at once.
        event_streams_max: u32 = 1024, Kind::Integer { min: 1, max: 65_535 }, Live;
        /// How long a one-time token of the setup is valid.
        setup_token_seconds: u32 = 900, Kind::Integer { min: 60, max: 86_400 }, Live;
        /// How long a ticket opens a stream of events in a browser.
        stream_ticket_seconds: u32 = 60, Kind::Integer { min: 5, max: 600 }, Live;
        /// How long the old secret of a rotated key stays valid.
        key_rotation_grace_seconds: u32 = 3600, Kind::Integer { min: 0, max: 2_592_000 }, Live;
    }
}

section! {
    /// The certificate, for HTTPS: from files, which are read again when they change, or given here.
    TlsSettings at "/http/tls";
    keys {
        /// A file with the certificate and its chain, in PEM. Null: none.
        certificate_file: Option<String> = None, PATH, Live;
        /// A file with the private key, in PEM. Null: none.
        key_file: Option<String> = None, PATH, Live;
        /// The certificate and its chain, in PEM. Null: none.
        certificate: Option<String> = None, Kind::Text { format: Format::Pem, bytes_max: 65_536 }, Live;
        /// The private key, in PEM. Null: none.
        key: Option<SecretRef> = None, Kind::Secret { bytes_max: 16_384 }, Live;
    }
}

section! {
    /// How fast one API key may ask, unless it has a limit of its own.
    RateLimitSettings at "/http/rate_limit";
    keys {
        /// Requests in the long run.
        requests_per_second: u32 = 500, Kind::Integer { min: 1, max: 1_000_000 }, Live;
        /// Requests at once.
        burst: u32 = 1000, Kind::Integer { min: 1, max: 1_000_000 }, Live;
    }
}

section! {
    /// How fast one address may ask without a key.
    UnauthenticatedRateLimitSettings at "/http/unauthenticated_rate_limit";
    keys {
        /// Requests in the long run.
        requests_per_second: u32 = 20, Kind::Integer { min: 1, max: 1_000_000 }, Live;
        /// Requests at once.
        burst: u32 = 100, Kind::Integer { min: 1, max: 1_000_000 }, Live;
    }
}
