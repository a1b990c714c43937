//! The id of a request: the client's own where it is sane, else one that is drawn. It goes into every fact, log line and
//! answer. A client that traces its own requests says so by a `traceparent`, whose trace is then what the facts belong to.

use poem::{FromRequest, Request, RequestBody};
use revaer_application::Clock;

/// The header that carries it, both ways.
pub(crate) const HEADER: &str = "x-request-id";
/// The longest id that is taken over.
const BYTES_MAX: usize = 128;

/// The id of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestId(pub(crate) String);

impl RequestId {
    /// The client's id, unless it is none that could stand in a log line as it is.
    pub(crate) fn accept_or_draw(request: &Request, clock: &dyn Clock) -> Self {
        let given = request.headers().get(HEADER).and_then(|value| value.to_str().ok());
        Self(given.filter(|id| is_sane(id)).map_or_else(|| clock.ulid().to_string(), str::to_owned))
    }
}

/// The trace that a request belongs to, in the client's own books (W3C Trace Context, 3.2): 32 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TraceId(pub(crate) String);

impl TraceId {
    /// What the client says, if it says it well; else nothing, as the standard wants it.
    pub(crate) fn of(request: &Request) -> Option<Self> {
        let parent = request.headers().get("traceparent")?.to_str().ok()?;
        let mut parts = parent.split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        // Version 00 has four parts; a later one may have more.
        let ends = version != "00" || parts.next().is_none();
        let is_well =
            is_hex(version, 2) && version != "ff" && is_id(trace, 32) && is_id(span, 16) && is_hex(flags, 2);
        (ends && is_well).then(|| Self(trace.to_owned()))
    }
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// All noughts is no id.
fn is_id(text: &str, length: usize) -> bool {
    is_hex(text, length) && text.bytes().any(|byte| byte != b'0')
}

fn is_sane(id: &str) -> bool {
    let clean = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    (1..=BYTES_MAX).contains(&id.len()) && id.bytes().all(clean)
}

impl<'a> FromRequest<'a> for RequestId {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        Ok(request.extensions().get::<Self>().cloned().expect("the edge gives every request an id"))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::of_the_standard("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true)]
    #[case::of_a_later_version("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", true)]
    #[case::too_much("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", false)]
    #[case::upper_case("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", false)]
    #[case::no_trace("00-00000000000000000000000000000000-b7ad6b7169203331-01", false)]
    #[case::no_span("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false)]
    #[case::forbidden_version("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false)]
    #[case::short("00-0af7-b7ad6b7169203331-01", false)]
    #[case::something_else("x", false)]
    fn trace_is_taken_from_a_parent_that_is_well_formed(#[case] parent: &str, #[case] is_taken: bool) {
        let request = Request::builder().header("traceparent", parent).finish();
        let expected = is_taken.then(|| TraceId("0af7651916cd43dd8448eb211c80319c".to_owned()));
        assert_eq!(TraceId::of(&request), expected);
    }

    #[test]
    fn ids_that_could_forge_log_lines_are_not_taken_over() {
        assert!(is_sane("01JD-a_b.c:7"));
        for id in ["", "a b", "a\nb", "ä", "\"", &"x".repeat(129)] {
            assert!(!is_sane(id), "{id:?}");
        }
    }
}
