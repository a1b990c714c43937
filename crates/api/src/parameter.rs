//! Query parameters and headers: documented as what they are, judged all together.
//!
//! The framework would answer with the first parameter that fails. Here each one keeps its own fault until a handler asks for
//! all of them, so that a client learns of every mistake at once.

use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaParamIn, MetaSchema, MetaSchemaRef};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use revaer_application::At;
use revaer_event_log::Position;
use revaer_wire::{FieldProblem, codes};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::problem::Refusal;

/// The most faults that one answer names: a hostile request must not make the answer long.
pub(crate) const FAULTS_MAX: usize = 100;
/// The last position that a parameter takes. No log gets so far, and the document can name it: 2^63 is rounded by whoever reads
/// numbers as floating point.
const POSITION_MAX: Position = Position(1_000_000_000_000_000_000);
/// The longest idempotency key.
const KEY_BYTES_MAX: usize = 255;

/// A text that fails: the problem's code, and what is wrong.
pub(crate) type Fault = (&'static str, String);

/// A value that stands in a parameter.
pub(crate) trait Value: Sized + Send {
    /// Reads it.
    fn read(text: &str) -> Result<Self, Fault>;
    /// What the document says of it.
    fn schema() -> MetaSchema;
}

/// A query parameter that may be absent.
pub(crate) struct Asked<T> {
    name: &'static str,
    value: Result<Option<T>, Fault>,
}

/// A header that may be absent.
pub(crate) struct Given<T> {
    name: &'static str,
    value: Result<Option<T>, Fault>,
}

impl<'a, T: Value> ApiExtractor<'a> for Asked<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];
    type ParamType = ();
    type ParamRawType = ();

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Query)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        Some(MetaSchemaRef::Inline(Box::new(T::schema())))
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let name = options.name;
        let mut texts = query(request).into_iter().filter(|(key, _)| key == name).map(|(_, text)| text);
        let value = match (texts.next(), texts.next()) {
            (None, _) => Ok(None),
            (Some(text), None) => T::read(&text).map(Some),
            (Some(_), Some(_)) => Err((codes::INVALID, "is given more than once".to_owned())),
        };
        Ok(Self { name, value })
    }
}

impl<'a, T: Value> ApiExtractor<'a> for Given<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];
    type ParamType = ();
    type ParamRawType = ();

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Header)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        Some(MetaSchemaRef::Inline(Box::new(T::schema())))
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let name = options.name;
        let mut values = request.headers().get_all(name).iter();
        let value = match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => match value.to_str() {
                Ok(text) => T::read(text).map(Some),
                Err(_) => Err((codes::MALFORMED, "is not visible ASCII".to_owned())),
            },
            (Some(_), Some(_)) => Err((codes::MALFORMED, "is given more than once".to_owned())),
        };
        Ok(Self { name, value })
    }
}

/// Everything that is wrong with the parameters of one request.
#[derive(Default)]
pub(crate) struct Parameters {
    asked: Vec<&'static str>,
    faults: Vec<FieldProblem>,
}

impl Parameters {
    /// Takes a query parameter.
    pub(crate) fn asked<T>(&mut self, parameter: Asked<T>) -> Option<T> {
        self.asked.push(parameter.name);
        self.settle(parameter.name, parameter.value)
    }

    /// Takes a header.
    pub(crate) fn given<T>(&mut self, header: Given<T>) -> Option<T> {
        self.settle(header.name, header.value)
    }

    /// Notes a fault that shows only when a parameter is understood.
    pub(crate) fn fault(&mut self, name: &'static str, (code, detail): Fault) {
        self.faults.push(FieldProblem::parameter(name, code, detail));
    }

    /// Refuses the request if anything failed, or if it asks for what was not taken.
    pub(crate) fn finish(mut self, request: &Request) -> Result<(), Refusal> {
        for (key, _) in query(request) {
            if !self.asked.contains(&key.as_str()) && self.faults.len() < FAULTS_MAX {
                self.faults.push(FieldProblem::parameter(
                    key,
                    codes::INVALID,
                    "is not a parameter of this call",
                ));
            }
        }
        if self.faults.is_empty() { Ok(()) } else { Err(Refusal::Fields(self.faults)) }
    }

    fn settle<T>(&mut self, name: &'static str, value: Result<Option<T>, Fault>) -> Option<T> {
        value.unwrap_or_else(|fault| {
            self.fault(name, fault);
            None
        })
    }
}

fn query(request: &Request) -> Vec<(String, String)> {
    // Percent-decoding replaces what is not UTF-8 and cannot fail.
    request.params().unwrap_or_default()
}

impl Value for String {
    fn read(text: &str) -> Result<Self, Fault> {
        Ok(text.to_owned())
    }

    fn schema() -> MetaSchema {
        MetaSchema::new("string")
    }
}

impl Value for u32 {
    fn read(text: &str) -> Result<Self, Fault> {
        text.parse().map_err(|_| (codes::MALFORMED, "is not a whole number of 32 bits".to_owned()))
    }

    fn schema() -> MetaSchema {
        MetaSchema::new_with_format("integer", "uint32")
    }
}

/// Items of a page.
pub(crate) struct PageLimit(pub(crate) u32);

impl Value for PageLimit {
    fn read(text: &str) -> Result<Self, Fault> {
        u32::read(text).map(Self)
    }

    fn schema() -> MetaSchema {
        MetaSchema { minimum: Some(1.0), maximum: Some(1000.0), ..u32::schema() }
    }
}

impl Value for bool {
    fn read(text: &str) -> Result<Self, Fault> {
        // Never malformed: that would be 400, which ends a browser's event stream for good.
        text.parse().map_err(|_| (codes::INVALID, "is neither `true` nor `false`".to_owned()))
    }

    fn schema() -> MetaSchema {
        MetaSchema::new("boolean")
    }
}

impl Value for Position {
    fn read(text: &str) -> Result<Self, Fault> {
        let position = text.parse().ok().filter(|position| *position <= POSITION_MAX);
        position.ok_or_else(|| (codes::MALFORMED, "is not a position: digits alone".to_owned()))
    }

    fn schema() -> MetaSchema {
        let maximum = Some(1e18);
        MetaSchema { minimum: Some(0.0), maximum, ..MetaSchema::new_with_format("integer", "int64") }
    }
}

/// A moment of the past.
pub(crate) struct Moment(pub(crate) At);

impl Value for Moment {
    fn read(text: &str) -> Result<Self, Fault> {
        let position = Position::read(text).map(At::Position);
        let moment = position.or_else(|_| OffsetDateTime::parse(text, &Rfc3339).map(At::Time));
        moment
            .map(Self)
            .map_err(|_| (codes::MALFORMED, "is neither a position nor an RFC 3339 time".to_owned()))
    }

    fn schema() -> MetaSchema {
        let inline = |schema| MetaSchemaRef::Inline(Box::new(schema));
        MetaSchema { any_of: vec![inline(Position::schema()), inline(time_schema())], ..MetaSchema::ANY }
    }
}

/// An RFC 3339 time. Not every generator of requests knows the format, so that its shortest form is said too.
pub(crate) fn time_schema() -> MetaSchema {
    let min_length = Some("2026-01-02T03:04:05Z".len());
    MetaSchema { min_length, ..MetaSchema::new_with_format("string", "date-time") }
}

/// A key under which a repeat of a command happens once.
pub(crate) struct IdempotencyKey(pub(crate) String);

impl Value for IdempotencyKey {
    fn read(text: &str) -> Result<Self, Fault> {
        let fits =
            (1..=KEY_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(text.to_owned())).ok_or_else(|| {
            (codes::MALFORMED, format!("is not 1 to {KEY_BYTES_MAX} visible ASCII characters"))
        })
    }

    fn schema() -> MetaSchema {
        MetaSchema { pattern: Some(format!("^[!-~]{{1,{KEY_BYTES_MAX}}}$")), ..MetaSchema::new("string") }
    }
}

/// The version that a torrent must have: `"7"`, as an `ETag` has it, or 7, as people write it; `*` for any.
pub(crate) struct IfMatch(pub(crate) Option<u32>);

impl Value for IfMatch {
    fn read(text: &str) -> Result<Self, Fault> {
        if text == "*" {
            return Ok(Self(None));
        }
        let version = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        let digits = version.bytes().all(|byte| byte.is_ascii_digit());
        let version = version.parse().ok().filter(|_| digits);
        version.map(|version| Self(Some(version))).ok_or_else(|| {
            (codes::MALFORMED, "is not one version in double quotes, such as \"7\"".to_owned())
        })
    }

    fn schema() -> MetaSchema {
        // `*` is taken as well; it says nothing, so nobody needs to be told to send it.
        let pattern = Some(r#"^("[0-9]{1,9}"|[0-9]{1,9})$"#.to_owned());
        MetaSchema { example: Some("\"7\"".into()), pattern, ..MetaSchema::new("string") }
    }
}
