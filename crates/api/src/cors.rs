//! What a browser is told of pages of other origins (Fetch standard, 3.2): nothing, unless their origin is set.
//!
//! Keys travel in a header and never in a cookie, so credentials are not allowed to any page: it brings a key, or it gets nothing.

use poem::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderName, ORIGIN,
    VARY,
};
use poem::http::{HeaderValue, Method, StatusCode};
use poem::{Request, Response};

/// What a page may send beside what every page may.
const ALLOWED: &str = "Authorization, Content-Type, Idempotency-Key, If-Match, Last-Event-ID, X-Request-Id";
/// What a page may read beside what every page may.
const EXPOSED: &str = "ETag, Location, Retry-After, Revaer-Position, X-RateLimit-Limit, X-RateLimit-Remaining, \
                       X-RateLimit-Reset, X-Request-Id";
/// How long a browser need not ask again: a setting that is taken back works after at most ten minutes.
const PREFLIGHT_SECONDS: &str = "600";

/// The origin of the page that asks, if it is one of those that are set.
pub(crate) fn allowed_origin(request: &Request, origins: &[String]) -> Option<HeaderValue> {
    let origin = request.headers().get(ORIGIN)?;
    origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes()).then(|| origin.clone())
}

/// The answer to a browser that asks whether a page may ask.
pub(crate) fn preflight(request: &Request, methods: &str) -> Option<Response> {
    let asks =
        request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    asks.then(|| {
        Response::builder()
            .status(StatusCode::NO_CONTENT)
            .header(ACCESS_CONTROL_ALLOW_METHODS, methods)
            .header(ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED)
            .header(ACCESS_CONTROL_MAX_AGE, PREFLIGHT_SECONDS)
            .finish()
    })
}

/// Lets the page of an origin read the answer.
pub(crate) fn admit(response: &mut Response, origin: HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    headers.append(VARY, HeaderValue::from_static("Origin"));
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("cross-origin"),
    );
}
