//! A multipart add: the torrent file in the part `torrent`, the options as JSON in the part `options`.

use bytes::Bytes;
use poem::web::Multipart;
use poem::{Body, FromRequest, Request, RequestBody};
use revaer_wire::{FieldProblem, codes};

use super::fields::pointer;
use crate::Limits;
use crate::problem::Refusal;

/// The parts.
#[derive(Default)]
pub(crate) struct Upload {
    pub(crate) torrent: Option<Vec<u8>>,
    pub(crate) options: Option<Vec<u8>>,
    /// What is wrong with the parts themselves.
    pub(crate) faults: Vec<FieldProblem>,
}

/// Splits a body that was read already, within its bound.
pub(super) async fn split(request: &Request, bytes: Bytes, limits: &Limits) -> Result<Upload, Refusal> {
    let malformed = |why: &dyn std::fmt::Display| Refusal::MalformedBody(format!("multipart: {why}"));
    let mut body = RequestBody::new(Body::from_bytes(bytes));
    let mut parts = Multipart::from_request(request, &mut body).await.map_err(|error| malformed(&error))?;
    let mut upload = Upload::default();
    let mut count = 0;
    while let Some(part) = parts.next_field().await.map_err(|error| malformed(&error))? {
        count += 1;
        if count > limits.parts_max {
            let detail = format!("has more than {} parts", limits.parts_max);
            upload.faults.push(FieldProblem::at("", codes::INVALID, detail));
            return Err(Refusal::Fields(upload.faults));
        }
        let name = part.name().unwrap_or_default().to_owned();
        let (place, max) = match name.as_str() {
            "torrent" => (&mut upload.torrent, limits.metainfo_bytes_max),
            "options" => (&mut upload.options, limits.json_bytes_max),
            _ => {
                upload.faults.push(FieldProblem::at(
                    pointer("", &name),
                    codes::INVALID,
                    "is not a part of an add",
                ));
                continue;
            }
        };
        let content = part.bytes().await.map_err(|error| malformed(&error))?;
        if content.len() > max {
            return Err(Refusal::TooLarge { max });
        }
        if place.replace(content).is_some() {
            upload.faults.push(FieldProblem::at(format!("/{name}"), codes::INVALID, "the part comes twice"));
        }
    }
    Ok(upload)
}
