//! JSON answers: documented by the schema of a wire type, written by serde, once.

use std::marker::PhantomData;

use bytes::Bytes;
use poem::{IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::payload::Payload;
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use serde::Serialize;

/// The JSON of a `T`, or of something that serialises to the same.
pub(crate) struct JsonOf<T> {
    body: Bytes,
    of: PhantomData<T>,
}

impl<T> JsonOf<T> {
    /// Writes it.
    pub(crate) fn new(body: &T) -> Self
    where
        T: Serialize,
    {
        Self::same_as(body)
    }

    /// Writes something that serialises to the same shape, such as a page that embeds stored JSON unparsed.
    pub(crate) fn same_as(body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("texts, numbers and stored JSON always serialise");
        Self { body: body.into(), of: PhantomData }
    }
}

impl<T: Type> Payload for JsonOf<T> {
    const CONTENT_TYPE: &'static str = "application/json";

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: Send> IntoResponse for JsonOf<T> {
    fn into_response(self) -> Response {
        Response::builder().content_type("application/json").body(self.body)
    }
}

impl<T: Type> ApiResponse for JsonOf<T> {
    fn meta() -> MetaResponses {
        let content = vec![MetaMediaType { content_type: Self::CONTENT_TYPE, schema: T::schema_ref() }];
        let found =
            MetaResponse { description: "", status: Some(200), status_range: None, content, headers: vec![] };
        MetaResponses { responses: vec![found] }
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}
