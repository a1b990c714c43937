//! Where in the library a torrent goes: a path with places for what the torrent is called.
//!
//! `films/{label}/{name}` is parsed once. What is put into a place is always one component: a name chosen by a stranger can
//! neither add a directory nor leave one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::path::{self, RelPath};

/// A path with places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    text: String,
    components: Vec<Vec<Piece>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Place(Place),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Name,
    Label,
    Id,
    InfoHash,
}

/// What is put into the places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Values<'a> {
    /// The torrent's name.
    pub name: &'a str,
    /// The label that chose the profile, or its first.
    pub label: Option<&'a str>,
    /// The torrent's id.
    pub id: &'a str,
    /// The info hash in hexadecimal digits.
    pub info_hash: &'a str,
}

/// What stands where a torrent without a label would have one.
const UNLABELLED: &str = "unlabelled";

/// A text that is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTemplate {
    /// A brace that opens nothing or is not closed.
    #[error("has a brace without its other half")]
    Brace,
    /// Not one of the places.
    #[error("has the unknown place `{{{0}}}`; there are name, label, id and info_hash")]
    UnknownPlace(String),
    /// The same name for every torrent.
    #[error("has neither {{name}} nor {{id}} nor {{info_hash}}, so all torrents would go to one place")]
    SamePlaceForAll,
    /// The text around the places.
    #[error(transparent)]
    Path(path::InvalidPath),
    /// A component that is hidden: media scanners, and this crate's own staging, tell them apart by that.
    #[error("has a component that begins with a dot")]
    Hidden,
}

impl Template {
    /// Parses a template.
    pub fn parse(text: &str) -> Result<Self, InvalidTemplate> {
        // Places are one component whatever is put in, so any word does to judge the path around them.
        let pieces = pieces(text)?;
        let sample: String = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.as_str(),
                Piece::Place(_) => "x",
            })
            .collect();
        let sample = RelPath::parse(sample).map_err(InvalidTemplate::Path)?;
        if sample.components().any(|component| component.starts_with('.')) {
            return Err(InvalidTemplate::Hidden);
        }
        if !pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Place(Place::Name | Place::Id | Place::InfoHash)))
        {
            return Err(InvalidTemplate::SamePlaceForAll);
        }
        Ok(Self { text: text.to_owned(), components: split(pieces) })
    }

    /// The path for a torrent.
    pub fn render(&self, values: &Values<'_>) -> RelPath {
        let components: Vec<String> = self
            .components
            .iter()
            .map(|pieces| path::component(&pieces.iter().map(|piece| piece.text(values)).collect::<String>()))
            .collect();
        RelPath::parse(components.join("/")).unwrap_or_else(|_| {
            // Only the length of it all can be wrong: the id alone is always short enough.
            RelPath::parse(path::component(values.id)).expect("a component is a path")
        })
    }

    /// Whether the last component is the name and nothing else: then a torrent of one file may be placed as a file.
    pub fn ends_in_name(&self) -> bool {
        self.components.last().is_some_and(|pieces| pieces.as_slice() == [Piece::Place(Place::Name)])
    }
}

impl Piece {
    fn text<'a>(&'a self, values: &Values<'a>) -> &'a str {
        match self {
            Self::Text(text) => text,
            Self::Place(Place::Name) => values.name,
            Self::Place(Place::Label) => values.label.unwrap_or(UNLABELLED),
            Self::Place(Place::Id) => values.id,
            Self::Place(Place::InfoHash) => values.info_hash,
        }
    }
}

fn pieces(text: &str) -> Result<Vec<Piece>, InvalidTemplate> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find(['{', '}']) {
        if rest[open..].starts_with('}') {
            return Err(InvalidTemplate::Brace);
        }
        pieces.push(Piece::Text(rest[..open].to_owned()));
        let (place, after) = rest[open + 1..].split_once('}').ok_or(InvalidTemplate::Brace)?;
        pieces.push(Piece::Place(match place {
            "name" => Place::Name,
            "label" => Place::Label,
            "id" => Place::Id,
            "info_hash" => Place::InfoHash,
            other => return Err(InvalidTemplate::UnknownPlace(other.to_owned())),
        }));
        rest = after;
    }
    pieces.push(Piece::Text(rest.to_owned()));
    Ok(pieces)
}

/// Splits at the slashes of the text; a slash within a value is none.
fn split(pieces: Vec<Piece>) -> Vec<Vec<Piece>> {
    let mut components = vec![Vec::new()];
    for piece in pieces {
        let Piece::Text(text) = piece else {
            components.last_mut().expect("it begins with one").push(piece);
            continue;
        };
        for (index, part) in text.split('/').enumerate() {
            if index > 0 {
                components.push(Vec::new());
            }
            if !part.is_empty() {
                components.last_mut().expect("it begins with one").push(Piece::Text(part.to_owned()));
            }
        }
    }
    components
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Template {
    type Error = InvalidTemplate;

    fn try_from(text: String) -> Result<Self, InvalidTemplate> {
        Self::parse(&text)
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    const VALUES: Values<'static> =
        Values { name: "Film (2020)", label: Some("films"), id: "01J", info_hash: "ab12" };

    #[rstest]
    #[case("{name}", "Film (2020)")]
    #[case("{label}/{name}", "films/Film (2020)")]
    #[case("new/{label}-{id}/{name} [{info_hash}]", "new/films-01J/Film (2020) [ab12]")]
    fn places_are_filled(#[case] template: &str, #[case] path: &str) {
        assert_eq!(Template::parse(template).unwrap().render(&VALUES).as_str(), path);
    }

    #[rstest]
    #[case("../../etc/passwd", "_.._etc_passwd")]
    #[case("..", "_")]
    #[case("/", "_")]
    fn a_value_is_one_component(#[case] name: &str, #[case] made: &str) {
        let template = Template::parse("{label}/{name}").unwrap();
        let values = Values { name, label: None, ..VALUES };
        assert_eq!(template.render(&values).as_str(), format!("unlabelled/{made}"));
    }

    #[rstest]
    #[case("{name", InvalidTemplate::Brace)]
    #[case("name}", InvalidTemplate::Brace)]
    #[case("{nom}", InvalidTemplate::UnknownPlace("nom".to_owned()))]
    #[case("films/{label}", InvalidTemplate::SamePlaceForAll)]
    #[case("../{name}", InvalidTemplate::Path(path::InvalidPath::Climbing))]
    #[case("/srv/{name}", InvalidTemplate::Path(path::InvalidPath::Absolute))]
    #[case("a//{name}", InvalidTemplate::Path(path::InvalidPath::Empty))]
    #[case("", InvalidTemplate::Path(path::InvalidPath::Empty))]
    #[case(".{name}", InvalidTemplate::Hidden)]
    fn what_is_no_template_is_refused(#[case] text: &str, #[case] why: InvalidTemplate) {
        assert_eq!(Template::parse(text), Err(why));
    }

    proptest! {
        #[test]
        fn rendering_keeps_the_depth(name in any::<String>(), label in any::<Option<String>>()) {
            let template = Template::parse("a/{label}/{name}").unwrap();
            let path = template.render(&Values { name: &name, label: label.as_deref(), ..VALUES });
            prop_assert_eq!(path.components().count(), 3);
            prop_assert!(path.as_str().starts_with("a/"));
            prop_assert!(path.components().all(|component| !component.starts_with('.')));
        }
    }
}
