//! Headers that every answer carries: what a browser must not make of it, and that nobody keeps it.
//!
//! Answers are of one moment and for one key, so nothing is stored on the way unless the answer itself says otherwise.

use poem::Response;
use poem::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use poem::http::{HeaderValue, uri::Scheme};

/// How long a browser insists on TLS after it has seen this service with a certificate that it accepts: half a year.
const INSIST_ON_TLS: HeaderValue = HeaderValue::from_static("max-age=15768000");

/// Nothing of an answer is ever a page that loads something, and no other page shows it in a frame.
const EVERYWHERE: [(HeaderName, HeaderValue); 6] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Adds those that the answer does not set by itself.
pub(crate) fn complete(response: &mut Response, scheme: &Scheme) {
    let headers = response.headers_mut();
    for (name, value) in &EVERYWHERE {
        if !headers.contains_key(name) {
            headers.insert(name, value.clone());
        }
    }
    // Over plain HTTP a browser has to ignore it (RFC 6797, 7.2).
    if *scheme == Scheme::HTTPS {
        headers.insert(STRICT_TRANSPORT_SECURITY, INSIST_ON_TLS);
    }
}
