//! Every bound of the API. What lies beyond one is refused with a problem, and never buffered first.

use std::num::NonZeroU32;
use std::time::Duration;

use revaer_domain::api_key::RequestLimit;

/// The bounds. The defaults suit one service with a few hundred clients.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of a JSON body, except that of an add, which may carry a torrent file.
    pub json_bytes_max: usize,
    /// Bytes of a torrent file.
    pub metainfo_bytes_max: usize,
    /// Bytes of the request line and all headers together.
    pub header_bytes_max: usize,
    /// Bytes of a magnet URI.
    pub magnet_bytes_max: usize,
    /// Parts of a multipart body.
    pub parts_max: usize,
    /// Items of a page.
    pub page_max: u32,
    /// Clients that follow the events at once.
    pub sse_clients_max: usize,
    /// How long a client of the events may leave a chunk untaken before it is cut off.
    pub sse_send_timeout: Duration,
    /// How often a quiet stream says that it lives.
    pub sse_heartbeat: Duration,
    /// How long a ticket opens a stream.
    pub ticket_lifetime: Duration,
    /// How long a read waits for its `min_position`.
    pub read_wait: Duration,
    /// How long a request may take. The events are not bound by it.
    pub request_timeout: Duration,
    /// How often a key may ask that has no limit of its own.
    pub key_rate: RequestLimit,
    /// How often an address may ask without a key, or with one that is not accepted.
    pub anonymous_rate: RequestLimit,
    /// How often a minute the setup may be tried: by this machine, and by all others together.
    pub setup_attempts_per_minute: NonZeroU32,
    /// How long a token of the setup is accepted.
    pub setup_token_validity: Duration,
    /// How long a replaced secret is accepted unless the client says.
    pub rotation_grace: Duration,
    /// How long its body may take to come. Shorter than the request itself, so that who sends too slowly is told so.
    pub body_timeout: Duration,
    /// How long the head of a request may take to come, from the moment that one is waited for.
    pub header_timeout: Duration,
    /// How long a client may leave untaken what it is sent.
    pub write_timeout: Duration,
    /// Connections at once.
    pub connections_max: usize,
    /// Connections of one address at once; this machine and trusted proxies have the total alone.
    pub connections_per_address_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            json_bytes_max: 1 << 20,
            metainfo_bytes_max: 16 << 20,
            header_bytes_max: 16 << 10,
            magnet_bytes_max: revaer_domain::values::MAGNET_BYTES_MAX,
            parts_max: 8,
            page_max: 1000,
            sse_clients_max: 1024,
            sse_send_timeout: Duration::from_secs(30),
            sse_heartbeat: Duration::from_secs(15),
            ticket_lifetime: Duration::from_mins(1),
            read_wait: Duration::from_secs(5),
            request_timeout: Duration::from_secs(30),
            key_rate: requests(500, 1000),
            anonymous_rate: requests(20, 100),
            setup_attempts_per_minute: NonZeroU32::MIN.saturating_add(4),
            setup_token_validity: revaer_application::TOKEN_VALIDITY,
            rotation_grace: revaer_application::GRACE_DEFAULT,
            body_timeout: Duration::from_secs(20),
            header_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(30),
            // Followers of the events, and as many again that ask.
            connections_max: 2048,
            connections_per_address_max: 128,
        }
    }
}

fn requests(per_second: u32, burst: u32) -> RequestLimit {
    RequestLimit::new(per_second, burst).expect("the defaults are limits")
}
