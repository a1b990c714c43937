//! Facts of one page as the database sent them: one buffer, read in place.
//!
//! It is for whoever hands facts on and keeps none: a client that reads millions of them would pay more for making and dropping
//! their texts than for all else. They come by `COPY` in its binary form, which spares the protocol's words about each row, too.
//! There are no samples here, and nobody shares a page.

use std::str;

use time::OffsetDateTime;

use crate::{Fact, Position, Version};

/// The beginning of every binary `COPY`, before four bytes of flags and four that say how much is to be passed over.
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// Columns of `sql/read_fact_page.sql`.
const COLUMNS: usize = 7;
/// Midnight of 2000-01-01, from which PostgreSQL counts microseconds, in seconds of Unix.
const EPOCH_UNIX_SECONDS: i64 = 946_684_800;

/// A fact in somebody else's buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FactRef<'a> {
    /// Its place in the log.
    pub position: Position,
    /// The name of its stream.
    pub stream: &'a str,
    /// Its place in the stream.
    pub version: Version,
    /// When, by the database's clock.
    pub recorded_at: OffsetDateTime,
    /// Its persisted name.
    pub kind: &'a str,
    /// JSON, byte for byte as appended.
    pub data: &'a [u8],
    /// JSON, byte for byte as appended.
    pub meta: &'a [u8],
}

impl<'a> From<&'a Fact> for FactRef<'a> {
    fn from(fact: &'a Fact) -> Self {
        Self {
            position: fact.position,
            stream: fact.stream.as_str(),
            version: fact.version,
            recorded_at: fact.recorded_at,
            kind: &fact.kind,
            data: fact.data.as_bytes(),
            meta: fact.meta.as_bytes(),
        }
    }
}

/// Facts in the order of their positions.
#[derive(Debug, Default)]
pub struct FactPage {
    buffer: Vec<u8>,
    /// Where each begins in the buffer.
    starts: Vec<usize>,
}

/// What the database sent is not the page that was asked for.
#[derive(Debug, thiserror::Error)]
#[error("not a binary copy of facts at byte {0}")]
pub(crate) struct NotFacts(usize);

impl FactPage {
    /// Takes the bytes of a `COPY`. One that was cut off between two rows has those before.
    pub(crate) fn read(buffer: Vec<u8>) -> Result<Self, NotFacts> {
        let mut reader = Reader { buffer: &buffer, at: 0 };
        if reader.take(SIGNATURE.len())? != SIGNATURE {
            return Err(NotFacts(0));
        }
        reader.take(4)?;
        let passed_over = reader.length()?;
        reader.take(passed_over)?;
        let mut starts = Vec::new();
        loop {
            let start = reader.at;
            // The end says -1 where a row says how many columns it has.
            if reader.at == buffer.len() || buffer[start..].starts_with(&[0xff; 2]) {
                break;
            }
            // All that could be wrong with it is found now.
            reader.fact()?;
            starts.push(start);
        }
        Ok(Self { buffer, starts })
    }

    /// The facts.
    pub fn iter(&self) -> impl Iterator<Item = FactRef<'_>> {
        self.starts.iter().map(|start| self.fact(*start))
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// The position of the last one.
    pub(crate) fn last(&self) -> Option<Position> {
        self.starts.last().map(|start| self.fact(*start).position)
    }

    fn fact(&self, at: usize) -> FactRef<'_> {
        Reader { buffer: &self.buffer, at }.fact().expect("it was read when the page was taken")
    }
}

struct Reader<'a> {
    buffer: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn fact(&mut self) -> Result<FactRef<'a>, NotFacts> {
        let start = self.at;
        if usize::from(u16::from_be_bytes(self.array()?)) != COLUMNS {
            return Err(NotFacts(start));
        }
        Ok(FactRef {
            position: Position(self.number()?),
            stream: self.text()?,
            version: self.number()?.try_into().map_err(|_| NotFacts(start))?,
            recorded_at: time_of(self.number()?).ok_or(NotFacts(start))?,
            kind: self.text()?,
            data: self.column()?,
            meta: self.column()?,
        })
    }

    fn number(&mut self) -> Result<i64, NotFacts> {
        let at = self.at;
        let column = self.column()?.try_into().map_err(|_| NotFacts(at))?;
        Ok(i64::from_be_bytes(column))
    }

    fn text(&mut self) -> Result<&'a str, NotFacts> {
        let at = self.at;
        str::from_utf8(self.column()?).map_err(|_| NotFacts(at))
    }

    /// A column; none of them is ever null, which would be a length of -1.
    fn column(&mut self) -> Result<&'a [u8], NotFacts> {
        let length = self.length()?;
        self.take(length)
    }

    fn length(&mut self) -> Result<usize, NotFacts> {
        let at = self.at;
        i32::from_be_bytes(self.array()?).try_into().map_err(|_| NotFacts(at))
    }

    fn array<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH], NotFacts> {
        let at = self.at;
        self.take(LENGTH)?.try_into().map_err(|_| NotFacts(at))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], NotFacts> {
        let taken = self.at.checked_add(length).and_then(|end| self.buffer.get(self.at..end));
        let taken = taken.ok_or(NotFacts(self.at))?;
        self.at += length;
        Ok(taken)
    }
}

fn time_of(microseconds: i64) -> Option<OffsetDateTime> {
    let seconds = microseconds.div_euclid(1_000_000) + EPOCH_UNIX_SECONDS;
    let nanosecond = u32::try_from(microseconds.rem_euclid(1_000_000)).ok()? * 1000;
    OffsetDateTime::from_unix_timestamp(seconds).ok()?.replace_nanosecond(nanosecond).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A page as PostgreSQL sends it, with one fact of these columns.
    fn sent(columns: &[&[u8]]) -> Vec<u8> {
        let mut bytes = [SIGNATURE, &[0; 8]].concat();
        bytes.extend(u16::try_from(columns.len()).expect("few").to_be_bytes());
        for column in columns {
            bytes.extend(i32::try_from(column.len()).expect("short").to_be_bytes());
            bytes.extend_from_slice(column);
        }
        bytes.extend([0xff; 2]);
        bytes
    }

    fn columns() -> [Vec<u8>; COLUMNS] {
        let number = |number: i64| number.to_be_bytes().to_vec();
        let text = |text: &str| text.as_bytes().to_vec();
        [number(7), text("torrent-x"), number(3), number(-1), text("a.b"), text("{\"ü\":1}"), text("{}")]
    }

    #[test]
    fn page_is_read_in_place_and_its_times_are_those_of_the_database() {
        let columns = columns();
        let columns: Vec<&[u8]> = columns.iter().map(Vec::as_slice).collect();
        let page = FactPage::read(sent(&columns)).expect("a page");
        let [fact] = page.iter().collect::<Vec<_>>()[..] else { panic!("one fact") };
        assert_eq!((fact.position, fact.stream, fact.version), (Position(7), "torrent-x", 3));
        assert_eq!(fact.recorded_at, time::macros::datetime!(1999-12-31 23:59:59.999999 UTC));
        assert_eq!((fact.kind, fact.data, fact.meta), ("a.b", "{\"ü\":1}".as_bytes(), &b"{}"[..]));
        assert_eq!(page.last(), Some(Position(7)));
        assert!(FactPage::read([SIGNATURE, &[0; 8]].concat()).expect("nobody sent a row").is_empty());
    }

    proptest! {
        #[test]
        fn bytes_that_are_no_page_are_an_error_and_no_panic(
            cut in 0_usize..80,
            place in 0_usize..80,
            byte: u8,
            column in 0..COLUMNS,
        ) {
            let whole = columns();
            let columns: Vec<&[u8]> = whole.iter().map(Vec::as_slice).collect();
            let mut bytes = sent(&columns);
            let place = place % bytes.len();
            bytes[place] = byte;
            bytes.truncate(cut);
            let _ = FactPage::read(bytes).map(|page| page.iter().count());
            let fewer: Vec<&[u8]> = columns[..column].to_vec();
            prop_assert!(FactPage::read(sent(&fewer)).is_err());
        }
    }
}
