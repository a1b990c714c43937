//! `GET /v1/torrents`

use poem_openapi::registry::MetaSchema;
use revaer_domain::torrent::Status;
use revaer_event_log::Position;
use revaer_projections::{Sort, TorrentQuery, TorrentRow};
use revaer_wire::{Torrent, TorrentPage, codes};

use crate::context::Context;
use crate::parameter::{Fault, Value};
use crate::payload::JsonOf;
use crate::present;
use crate::problem::Refusal;

const SORTS: [Sort; 4] = [Sort::AddedAt, Sort::Name, Sort::Size, Sort::Progress];

pub(super) async fn list(
    context: &Context,
    query: &TorrentQuery,
    min_position: Option<Position>,
) -> Result<JsonOf<TorrentPage>, Refusal> {
    context.reflect(min_position).await?;
    let page = context.projections.torrents(query).await?;
    Ok(JsonOf::new(&TorrentPage {
        items: page.items.into_iter().map(|row| of_row(context, row)).collect(),
        next_cursor: page.next_cursor,
        position: page.position.0,
    }))
}

fn of_row(context: &Context, row: TorrentRow) -> Torrent {
    let progress = context.application.fsops_progress(row.id);
    present::of_row(row, progress)
}

/// A state to filter by.
pub(super) struct State(pub(super) Status);

impl Value for State {
    fn read(text: &str) -> Result<Self, Fault> {
        let known = Status::ALL.into_iter().find(|status| status.name() == text);
        known.map(Self).ok_or_else(|| {
            (codes::INVALID, format!("is none of {}", Status::ALL.map(Status::name).join(", ")))
        })
    }

    fn schema() -> MetaSchema {
        let names = Status::ALL.iter().map(|status| status.name().into()).collect();
        MetaSchema { enum_items: names, ..MetaSchema::new("string") }
    }
}

/// What to sort by, and which way.
#[derive(Default)]
pub(super) struct Order {
    pub(super) sort: Sort,
    pub(super) descending: bool,
}

impl Value for Order {
    fn read(text: &str) -> Result<Self, Fault> {
        let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
        let known = SORTS.into_iter().find(|sort| sort.name() == name);
        known.map(|sort| Self { sort, descending }).ok_or_else(|| {
            let names = SORTS.map(Sort::name).join(", ");
            (codes::INVALID, format!("is none of {names}, with or without `-` in front"))
        })
    }

    fn schema() -> MetaSchema {
        let both = SORTS.iter().flat_map(|sort| [sort.name().into(), format!("-{}", sort.name()).into()]);
        MetaSchema { enum_items: both.collect(), ..MetaSchema::new("string") }
    }
}
