//! Prints batches of what was followed, and notes how far it came.

use serde::Serialize;
use serde_json::value::RawValue;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::resume_file::ResumeFile;
use crate::commands::events_table::{self, Whose};
use crate::events::{Followed, Resume};
use crate::failure::Failure;
use crate::screen::{Output, escape, json_for_a_terminal, note};

/// Prints to `W` and keeps the place of what was printed.
pub(super) struct Printer<W> {
    output: Output,
    to: W,
    file: Option<ResumeFile>,
    /// Of what is printed; what is followed may be further.
    place: Resume,
    left: Option<u64>,
}

impl<W: AsyncWrite + Unpin> Printer<W> {
    /// Nothing is printed yet; after `count` events it is done.
    pub(super) fn new(
        output: Output,
        to: W,
        file: Option<ResumeFile>,
        place: Resume,
        count: Option<u64>,
    ) -> Self {
        Printer { output, to, file, place, left: count }
    }

    /// Whether everything that was asked for is printed.
    pub(super) fn is_done(&self) -> bool {
        self.left == Some(0)
    }

    /// Prints, flushes, notes; then fails if the batch does.
    pub(super) async fn print(&mut self, batch: Vec<Result<Followed, Failure>>) -> Result<(), Failure> {
        let columns = Output::columns();
        let mut text = String::new();
        let mut ended = Ok(());
        for followed in batch {
            if self.is_done() {
                break;
            }
            match followed {
                Ok(followed) => {
                    if let Some(line) = self.line(&followed, columns) {
                        text.push_str(&line);
                        text.push('\n');
                    }
                    self.take(followed);
                }
                Err(failure) => ended = Err(failure),
            }
        }
        self.to.write_all(text.as_bytes()).await?;
        self.to.flush().await?;
        if !text.is_empty() {
            self.note_place()?;
        }
        ended
    }

    /// Notes how far it came, if there is a file for it.
    pub(super) fn note_place(&self) -> Result<(), Failure> {
        self.file.as_ref().map_or(Ok(()), |file| file.write(&self.place))
    }

    fn line(&self, followed: &Followed, columns: Option<usize>) -> Option<String> {
        match followed {
            Followed::Event(event) if self.output.is_json() => Some(json_for_a_terminal(&event.json)),
            Followed::Event(event) => Some(events_table::line(&event.frame, Whose::Shown, columns)),
            Followed::Reset { json, .. } => Some(self.word(
                "reset",
                json,
                "the log is another one than before: read again whatever was read",
            )),
            Followed::SamplesGap { json } => {
                Some(self.word("samples-gap", json, "samples are missing here, they are no longer kept"))
            }
            Followed::Interrupted { why, wait } => {
                if !self.output.is_quiet() {
                    let id = self.place.last_event_id();
                    note(&format!("{why}; going on after {id} in {:.1} s", wait.as_secs_f64()));
                }
                None
            }
        }
    }

    /// A word of the stream itself: programs get it in the place where it was said, in the form of an event.
    fn word(&self, kind: &str, json: &str, words: &str) -> String {
        if self.output.is_json() {
            #[derive(Serialize)]
            struct Word<'a> {
                kind: &'a str,
                data: &'a RawValue,
            }
            let data = serde_json::from_str(json).unwrap_or(RawValue::NULL);
            let word = serde_json::to_string(&Word { kind, data }).expect("texts always serialise");
            json_for_a_terminal(&word)
        } else {
            format!("-- {words}: {}", escape(json))
        }
    }

    fn take(&mut self, followed: Followed) {
        match followed {
            Followed::Event(event) => {
                self.place.admit(&event);
                self.left = self.left.map(|left| left - 1);
            }
            Followed::Reset { id, .. } => self.place = Resume::after(id),
            Followed::SamplesGap { .. } | Followed::Interrupted { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::events::Event;
    use crate::screen::Format;

    fn event(position: i64) -> Followed {
        let json = format!(
            r#"{{"position":{position},"kind":"torrent.paused","stream":"s","version":1,"recorded_at":"2026-01-02T03:04:05Z","actor":null,"data":{{"name":"{}"}}}}"#,
            "a\u{9b}2J"
        );
        let id = Some(format!("{position}.x").parse().unwrap());
        Followed::Event(Box::new(Event { id, frame: serde_json::from_str(&json).unwrap(), json }))
    }

    fn words() -> Vec<Result<Followed, Failure>> {
        let reset = r#"{"head":3,"log_id":"l"}"#.to_owned();
        vec![
            Ok(event(11)),
            Ok(Followed::SamplesGap { json: r#"{"from":1,"to":2}"#.to_owned() }),
            Ok(Followed::Interrupted { why: "w".to_owned(), wait: Duration::from_secs(1) }),
            Ok(Followed::Reset { id: "3.y".parse().unwrap(), json: reset }),
            Ok(event(12)),
        ]
    }

    fn printer(format: Format, to: &mut Vec<u8>, count: Option<u64>) -> Printer<&mut Vec<u8>> {
        let place = Resume::after("10.x".parse().unwrap());
        Printer::new(Output::new(format, true), to, None, place, count)
    }

    async fn printed(format: Format, batch: Vec<Result<Followed, Failure>>) -> String {
        let mut to = Vec::new();
        printer(format, &mut to, None).print(batch).await.unwrap();
        String::from_utf8(to).unwrap()
    }

    #[tokio::test]
    async fn lines_for_people_and_for_programs_say_the_same() {
        let both = [printed(Format::Table, words()).await, printed(Format::Json, words()).await];
        insta::assert_snapshot!(both.join("\n"));
    }

    #[tokio::test]
    async fn place_is_that_of_what_was_printed() {
        let mut to = Vec::new();
        let mut printer = printer(Format::Json, &mut to, Some(2));
        printer.print([11, 12, 13].map(|position| Ok(event(position))).into()).await.unwrap();
        assert!(printer.is_done());
        assert_eq!(printer.place.last_event_id().as_str(), "12.x");
        assert_eq!(String::from_utf8(to).unwrap().lines().count(), 2);
    }

    #[tokio::test]
    async fn what_came_before_a_failure_is_printed() {
        let mut to = Vec::new();
        let ended = printer(Format::Json, &mut to, None)
            .print(vec![Ok(event(11)), Err(Failure::ServiceFailed)])
            .await;
        assert!(matches!(ended, Err(Failure::ServiceFailed)));
        assert!(to.ends_with(b"\n"));
    }

    #[tokio::test]
    async fn closed_pipe_is_an_end_and_no_fault() {
        let (to, reader) = tokio::io::duplex(64);
        drop(reader);
        let place = Resume::after("10.x".parse().unwrap());
        let mut printer = Printer::new(Output::new(Format::Json, true), to, None, place, None);
        assert!(matches!(printer.print(vec![Ok(event(11))]).await, Err(Failure::OutputClosed)));
    }
}
