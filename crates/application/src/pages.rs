//! The facts of a stream, page by page: the one loop that whoever folds a stream reads by.

use std::ops::ControlFlow;

use revaer_event_log::{Fact, StreamId, Version};

use crate::dispatch::read_failed;
use crate::{Application, CommandError};

/// Facts read at once: some hundred kilobytes.
const PAGE: u32 = 1000;

impl Application {
    /// Gives the facts of a stream above a version to `take`, in order, until it breaks off or there are no more.
    pub(crate) async fn read_on(
        &self,
        stream: &StreamId,
        mut after: Version,
        mut take: impl FnMut(&Fact) -> Result<ControlFlow<()>, CommandError>,
    ) -> Result<(), CommandError> {
        loop {
            let page = self.log().read_stream(stream, after, PAGE).await.map_err(read_failed)?;
            for fact in &page {
                after = fact.version;
                if take(fact)?.is_break() {
                    return Ok(());
                }
            }
            if page.len() < PAGE as usize {
                return Ok(());
            }
        }
    }
}
