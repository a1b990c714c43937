//! API keys: issued, listed, rotated, revoked.

use std::sync::Arc;

use poem::Request;
use poem_openapi::param::Path;
use poem_openapi::registry::MetaSchema;
use poem_openapi::{ApiResponse, OpenApi, Tags};
use revaer_application::KeyError;
use revaer_domain::api_key::KeyRefused;
use revaer_domain::values::KeyId;
use revaer_wire::{ApiKeyPage, IssueKeyRequest, IssuedKey, RotateKeyRequest, codes};

use crate::body::{self, JsonBody};
use crate::caller::caller;
use crate::context::Context;
use crate::parameter::{Asked, Fault, Given, IdempotencyKey, PageLimit, Parameters, Value};
use crate::payload::JsonOf;
use crate::present;
use crate::problem::Refusal;
use crate::rejected::{Keys, Rejected};
use crate::request_id::RequestId;

#[derive(Tags)]
enum Tag {
    /// Keys: who may ask for what.
    Keys,
}

/// The operations.
pub(crate) struct KeysApi(pub(crate) Arc<Context>);

/// A key with its secret.
#[derive(ApiResponse)]
pub(crate) enum Shown {
    /// The key. Its secret is shown this once.
    #[oai(status = 201)]
    Key(
        JsonOf<IssuedKey>,
        /// The place of the command's last fact in the log.
        #[oai(header = "Revaer-Position")]
        i64,
    ),
}

/// A key that is over.
#[derive(ApiResponse)]
enum Revoked {
    /// The key is accepted no more, and streams of events that it opened end.
    #[oai(status = 204)]
    Key(
        /// The place of the command's last fact in the log.
        #[oai(header = "Revaer-Position")]
        i64,
    ),
}

#[OpenApi(prefix_path = "/v1/api-keys", tag = "Tag::Keys")]
impl KeysApi {
    /// Issue a key
    ///
    /// The secret is in this answer and in no other. A repeat with the same `Idempotency-Key` issues nothing and is 409
    /// `secret_shown`.
    #[oai(path = "/", method = "post", operation_id = "issueKey")]
    async fn issue(
        &self,
        request: &Request,
        request_id: RequestId,
        /// A repeat with the same key and body happens once.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: Given<IdempotencyKey>,
        body: JsonBody<IssueKeyRequest>,
    ) -> Result<Shown, Rejected<Keys>> {
        let mut parameters = Parameters::default();
        let caller = caller(request, &request_id, &mut parameters, idempotency_key, None);
        parameters.finish(request)?;
        let issued = self.0.application.issue_key(body::read_issue_key(&body.bytes)?, &caller).await?;
        Ok(Shown::Key(JsonOf::new(&present::issued_key(&issued)), issued.position.0))
    }

    /// List the keys
    ///
    /// Those that were not revoked, oldest first, in pages.
    #[oai(path = "/", method = "get", operation_id = "listKeys")]
    #[expect(clippy::unused_async, reason = "the framework takes asynchronous operations alone")]
    async fn list(
        &self,
        request: &Request,
        /// Items of a page, 1 to 1000; 50 if absent.
        limit: Asked<PageLimit>,
        /// `next_cursor` of the page before.
        cursor: Asked<Cursor>,
    ) -> Result<JsonOf<ApiKeyPage>, Rejected<Keys>> {
        let mut parameters = Parameters::default();
        let limit = parameters.asked(limit);
        let limit = self.0.page_limit(limit, &mut parameters) as usize;
        let after = parameters.asked(cursor).map(|cursor| cursor.0);
        parameters.finish(request)?;
        // One more than asked for tells whether there is another page.
        let mut keys = self.0.application.keys(after, limit + 1);
        let more = keys.len() > limit;
        keys.truncate(limit);
        let next_cursor = keys.last().filter(|_| more).map(|key| key.id.to_string());
        Ok(JsonOf::new(&ApiKeyPage { items: keys.iter().map(present::api_key).collect(), next_cursor }))
    }

    /// Give a key another secret
    ///
    /// The secret that it has is accepted for the time of grace; streams of events that it opened end, and may be opened
    /// again. The new secret is in this answer and in no other.
    #[oai(path = "/:id/rotate", method = "post", operation_id = "rotateKey")]
    async fn rotate(
        &self,
        request: &Request,
        request_id: RequestId,
        /// ULID.
        id: Path<String>,
        /// A repeat with the same key and body happens once.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: Given<IdempotencyKey>,
        body: JsonBody<RotateKeyRequest>,
    ) -> Result<Shown, Rejected<Keys>> {
        let mut parameters = Parameters::default();
        let caller = caller(request, &request_id, &mut parameters, idempotency_key, None);
        parameters.finish(request)?;
        let grace = body::read_rotate_key(&body.bytes, self.0.limits().rotation_grace)?;
        let issued = self.0.application.rotate_key(key_id(&id)?, grace, &caller).await?;
        Ok(Shown::Key(JsonOf::new(&present::issued_key(&issued)), issued.position.0))
    }

    /// Revoke a key
    ///
    /// For good, and at once. The last key with the scope `admin` stays.
    #[oai(path = "/:id", method = "delete", operation_id = "revokeKey")]
    async fn revoke(
        &self,
        request: &Request,
        request_id: RequestId,
        /// ULID.
        id: Path<String>,
        /// A repeat with the same key happens once.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: Given<IdempotencyKey>,
    ) -> Result<Revoked, Rejected<Keys>> {
        let mut parameters = Parameters::default();
        let caller = caller(request, &request_id, &mut parameters, idempotency_key, None);
        parameters.finish(request)?;
        Ok(Revoked::Key(self.0.application.revoke_key(key_id(&id)?, &caller).await?.0))
    }
}

/// What is no id names no key.
fn key_id(text: &str) -> Result<KeyId, Refusal> {
    text.parse().map_err(|_| KeyError::Refused(KeyRefused::Absent).into())
}

/// The key after which a page begins. Clients take it as opaque.
struct Cursor(KeyId);

impl Value for Cursor {
    fn read(text: &str) -> Result<Self, Fault> {
        text.parse().map(Self).map_err(|_| (codes::MALFORMED, "is not a cursor of this list".to_owned()))
    }

    fn schema() -> MetaSchema {
        MetaSchema { pattern: Some("^[0-7][0-9A-HJKMNP-TV-Z]{25}$".to_owned()), ..MetaSchema::new("string") }
    }
}
