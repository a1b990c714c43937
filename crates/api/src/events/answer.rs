//! The answer that does not end: its headers, its body, and what the document says of it.

use bytes::Bytes;
use poem::http::header::CACHE_CONTROL;
use poem::{Body, IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{
    MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry,
};
use poem_openapi::types::Type;
use revaer_wire::EventFrame;

use super::follow::Follower;

const EVENT_STREAM: &str = "text/event-stream";

/// A stream of events.
pub(crate) struct EventStream(Follower);

impl EventStream {
    pub(super) const fn new(follower: Follower) -> Self {
        Self(follower)
    }
}

impl IntoResponse for EventStream {
    fn into_response(self) -> Response {
        let mut chunks = self.0.serve();
        let chunks = futures::stream::poll_fn(move |context| chunks.poll_recv(context));
        let body = Body::from_bytes_stream(futures::StreamExt::map(chunks, Ok::<Bytes, std::io::Error>));
        Response::builder()
            .content_type(EVENT_STREAM)
            .header(CACHE_CONTROL, "no-store")
            // A proxy that gathers the stream would hold events back.
            .header("x-accel-buffering", "no")
            .body(body)
    }
}

impl ApiResponse for EventStream {
    fn meta() -> MetaResponses {
        let text = |description| {
            MetaSchemaRef::Inline(Box::new(MetaSchema {
                description: Some(description),
                ..MetaSchema::new("string")
            }))
        };
        let frame = MetaSchema {
            properties: vec![
                ("id", text("`<position>.<log tag>`: what to resume from.")),
                ("event", text("The kind.")),
                (
                    "data",
                    text("The JSON of an `EventFrame`; `reset` and `samples-gap` have fields of their own."),
                ),
            ],
            ..MetaSchema::new("object")
        };
        let content =
            MetaMediaType { content_type: EVENT_STREAM, schema: MetaSchemaRef::Inline(Box::new(frame)) };
        let stream = MetaResponse {
            description: "Events without end, each as described by the schema.",
            status: Some(200),
            status_range: None,
            content: vec![content],
            headers: vec![],
        };
        MetaResponses { responses: vec![stream] }
    }

    fn register(registry: &mut Registry) {
        EventFrame::register(registry);
    }
}
