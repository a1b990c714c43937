//! The bytes of a body, within their bound and of a content type that is read.

use std::marker::PhantomData;
use std::sync::Arc;

use bytes::Bytes;
use poem::error::ReadBodyError;
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaMediaType, MetaRequest, MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use revaer_wire::AddRequest;

use super::upload::{self, Upload};
use crate::Limits;
use crate::problem::Refusal;
use crate::schemas::nothing_else;

const JSON: &str = "application/json";
/// JSON that says what to change (RFC 7396).
const MERGE_PATCH: &str = "application/merge-patch+json";
const MULTIPART: &str = "multipart/form-data";
/// What the framing of a multipart body may add.
const MULTIPART_FRAMING_BYTES_MAX: usize = 64 << 10;

/// As what a JSON body may be sent.
pub(crate) trait SentAs: Send {
    /// The content types that are read.
    const MEDIA_TYPES: &'static [&'static str];
    /// The same in words.
    const EXPECTED: &'static str;
}

/// As JSON.
pub(crate) struct Json;
/// As a merge patch, which is what it is, or as the JSON that it is too: most clients say so whatever they send.
pub(crate) struct MergePatch;

impl SentAs for Json {
    const MEDIA_TYPES: &'static [&'static str] = &[JSON];
    const EXPECTED: &'static str = JSON;
}

impl SentAs for MergePatch {
    const MEDIA_TYPES: &'static [&'static str] = &[MERGE_PATCH, JSON];
    const EXPECTED: &'static str = "application/merge-patch+json or application/json";
}

/// A JSON body that is documented as a `T`.
pub(crate) struct JsonBody<T, S = Json> {
    pub(crate) bytes: Bytes,
    of: PhantomData<(T, S)>,
}

/// The body of an add.
pub(crate) enum AddBody {
    /// JSON, maybe with a torrent file in base 64.
    Json(Bytes),
    /// A torrent file and options.
    Multipart(Upload),
}

impl<'a, T: Type, S: SentAs> ApiExtractor<'a> for JsonBody<T, S> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let of_type = |&content_type| MetaMediaType { content_type, schema: T::schema_ref() };
        let content = S::MEDIA_TYPES.iter().map(of_type).collect();
        Some(MetaRequest { description: None, content, required: true })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        if !media_type(request).is_some_and(|given| S::MEDIA_TYPES.contains(&given)) {
            return Err(refuse(Refusal::UnsupportedMediaType { expected: S::EXPECTED }));
        }
        let bytes = read(request, body, limits(request).json_bytes_max).await.map_err(refuse)?;
        Ok(Self { bytes, of: PhantomData })
    }
}

impl<'a> ApiExtractor<'a> for AddBody {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        AddRequest::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let file = MetaSchema {
            description: Some("A torrent file."),
            ..MetaSchema::new_with_format("string", "binary")
        };
        let form = MetaSchema {
            required: vec!["torrent"],
            properties: vec![
                ("torrent", MetaSchemaRef::Inline(Box::new(file))),
                // The same as the JSON body, without `magnet` and `metainfo`.
                ("options", AddRequest::schema_ref()),
            ],
            additional_properties: Some(Box::new(nothing_else())),
            ..MetaSchema::new("object")
        };
        let content = vec![
            MetaMediaType { content_type: JSON, schema: AddRequest::schema_ref() },
            MetaMediaType { content_type: MULTIPART, schema: MetaSchemaRef::Inline(Box::new(form)) },
        ];
        Some(MetaRequest { description: None, content, required: true })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let limits = limits(request);
        match media_type(request) {
            Some(JSON) => {
                // Base 64 makes four bytes of three.
                let max = limits.metainfo_bytes_max / 3 * 4 + limits.json_bytes_max;
                read(request, body, max).await.map(Self::Json).map_err(refuse)
            }
            Some(MULTIPART) => {
                let max = limits.metainfo_bytes_max + limits.json_bytes_max + MULTIPART_FRAMING_BYTES_MAX;
                let bytes = read(request, body, max).await.map_err(refuse)?;
                upload::split(request, bytes, limits).await.map(Self::Multipart).map_err(refuse)
            }
            _ => Err(refuse(Refusal::UnsupportedMediaType {
                expected: "application/json or multipart/form-data",
            })),
        }
    }
}

fn limits(request: &Request) -> &Limits {
    request.data::<Arc<Limits>>().expect("the edge gives every request the limits")
}

fn media_type(request: &Request) -> Option<&'static str> {
    let given = request.content_type()?.split(';').next()?.trim();
    [JSON, MERGE_PATCH, MULTIPART].into_iter().find(|known| given.eq_ignore_ascii_case(known))
}

/// Reads a body; one that says that it is larger than the bound is not read at all.
async fn read(request: &Request, body: &mut RequestBody, max: usize) -> Result<Bytes, Refusal> {
    let length =
        request.headers().get("content-length").and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > max as u64) {
        return Err(Refusal::TooLarge { max });
    }
    let body = body.take().map_err(|error| Refusal::Internal(Box::new(error)))?;
    match tokio::time::timeout(limits(request).body_timeout, body.into_bytes_limit(max)).await {
        Ok(read) => read.map_err(|error| match error {
            ReadBodyError::PayloadTooLarge => Refusal::TooLarge { max },
            // The client went away or broke off: nobody will read this.
            _ => Refusal::MalformedRequest,
        }),
        Err(_) => Err(Refusal::SlowBody),
    }
}

fn refuse(refusal: Refusal) -> poem::Error {
    let status = refusal.status();
    poem::Error::new(refusal, status)
}
