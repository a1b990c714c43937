//! `key=value` on the command line, and the merge patch that several of them make.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, Command, Error};
use serde_json::{Map, Value};

use super::catalogue;

/// A key, or a section, with dots between its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyName(String);

/// The largest file that a value is read from: more than the service takes of any.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// A key and a value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Assignment {
    key: KeyName,
    value: Given,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq)]
enum Given {
    /// The command line.
    Here(Value),
    /// A file, `-` for standard input: whoever may list the processes of a machine reads their command lines too.
    InFile(PathBuf),
}

impl KeyName {
    /// Reads one, and completes those that are known.
    pub(super) fn parser() -> impl TypedValueParser<Value = Self> {
        Known { parse: Self::parse, completions: catalogue::names }
    }

    fn parse(text: &str) -> Result<Self, String> {
        if text.split('.').any(str::is_empty) {
            return Err(
                "expected names with dots between them, as limits.download_bytes_per_second".to_owned()
            );
        }
        Ok(Self(text.to_owned()))
    }

    /// As it was given.
    pub(super) fn name(&self) -> &str {
        &self.0
    }

    /// RFC 6901, into the document.
    pub(super) fn pointer(&self) -> String {
        let parts = self.0.split('.').map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1")));
        parts.collect()
    }
}

impl Assignment {
    /// Reads one, and completes those that are known: the key, and with it the words that it takes.
    pub(super) fn parser() -> impl TypedValueParser<Value = Self> {
        Known { parse: Self::parse, completions: catalogue::assignments }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
        let key = KeyName::parse(key)?;
        if let Some(file) = value.strip_prefix('@') {
            return Ok(Self { key, value: Given::InFile(file.into()) });
        }
        // A key that takes texts takes `7070` as one; what looks like JSON but is none is a text anywhere.
        let is_text = catalogue::find(key.name()).is_some_and(|key| key.is_text);
        let json = serde_json::from_str(value).ok();
        let json =
            json.filter(|json: &Value| !is_text || json.is_string() || json.is_null() || json.is_object());
        Ok(Self { key, value: Given::Here(json.unwrap_or_else(|| value.into())) })
    }

    /// The value; a text, if it is in a file.
    fn value(&self) -> Result<Value, String> {
        match &self.value {
            Given::Here(value) => Ok(value.clone()),
            Given::InFile(file) => read(file)
                .map(Value::from)
                .map_err(|error| format!("cannot read {}: {error}", file.display())),
        }
    }

    pub(super) const fn key(&self) -> &KeyName {
        &self.key
    }
}

/// The patch that sets all of them.
pub(super) fn patch(assignments: &[Assignment]) -> Result<Value, String> {
    let mut patch = Map::new();
    for assignment in assignments {
        let key = &assignment.key;
        let mut parts: Vec<&str> = key.name().split('.').collect();
        let last = parts.pop().unwrap_or_default();
        let mut group = &mut patch;
        for part in parts {
            let inner = group.entry(part).or_insert_with(|| Value::Object(Map::new()));
            group = inner.as_object_mut().ok_or_else(|| contradiction(key))?;
        }
        if group.insert(last.to_owned(), assignment.value()?).is_some() {
            return Err(contradiction(key));
        }
    }
    Ok(Value::Object(patch))
}

/// The text of a file, without the line break that editors put at its end.
fn read(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    if file == Path::new("-") {
        io::stdin().lock().take(FILE_BYTES_MAX).read_to_string(&mut text)?;
    } else {
        File::open(file)?.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
    }
    let end = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(end);
    Ok(text)
}

fn contradiction(key: &KeyName) -> String {
    format!("`{}` is set more than once", key.name())
}

/// Takes any text that parses, and offers what is known.
#[derive(Clone)]
struct Known<T> {
    parse: fn(&str) -> Result<T, String>,
    completions: fn() -> &'static [(String, &'static str)],
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Known<T> {
    type Value = T;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &std::ffi::OsStr) -> Result<T, Error> {
        let text = StringValueParser::new().parse_ref(command, arg, value)?;
        (self.parse)(&text)
            .map_err(|why| Error::raw(ErrorKind::ValueValidation, format!("{why}\n")).with_cmd(command))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let values = (self.completions)().iter();
        Some(Box::new(values.map(|(text, help)| PossibleValue::new(text.as_str()).help(*help))))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::number("limits.download_bytes_per_second=5000000", json!(5_000_000))]
    #[case::none("limits.download_bytes_per_second=null", json!(null))]
    #[case::switch("engine.dht=true", json!(true))]
    #[case::word("engine.encryption=required", json!("required"))]
    #[case::text_like_a_number("engine.user_agent=7", json!("7"))]
    #[case::text_in_quotes("engine.user_agent=\"7\"", json!("7"))]
    #[case::list(r#"fsops.allowed_roots=["/srv"]"#, json!(["/srv"]))]
    #[case::value_with_equals("engine.user_agent=a=b", json!("a=b"))]
    #[case::unknown_key("engine.warp=9", json!(9))]
    fn value_is_taken_as_the_key_takes_it(#[case] text: &str, #[case] value: Value) {
        assert_eq!(Assignment::parse(text).unwrap().value(), Ok(value));
    }

    #[test]
    fn value_may_be_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "7 = @x\n").unwrap();
        let assignment = Assignment::parse(&format!("engine.proxy.password=@{}", file.display())).unwrap();
        assert_eq!(assignment.value(), Ok(json!("7 = @x")));
        assert_eq!(Assignment::parse("a=\"@x\"").unwrap().value(), Ok(json!("@x")), "in quotes it is a text");
        folder.close().unwrap();
        assert!(assignment.value().unwrap_err().contains("password"));
    }

    #[test]
    fn assignments_make_one_patch() {
        let all = ["engine.dht=true", "engine.proxy.port=1080", "instance.name=n"];
        let all: Vec<_> = all.iter().map(|text| Assignment::parse(text).unwrap()).collect();
        let expected = json!({"engine": {"dht": true, "proxy": {"port": 1080}}, "instance": {"name": "n"}});
        assert_eq!(patch(&all).unwrap(), expected);
        let twice = ["engine.dht=true", "engine.dht=false"].map(|text| Assignment::parse(text).unwrap());
        assert!(patch(&twice).is_err());
    }

    #[rstest]
    #[case::no_value("engine.dht")]
    #[case::no_key("=1")]
    #[case::hole("engine..dht=1")]
    fn what_is_no_assignment_is_refused(#[case] text: &str) {
        assert!(Assignment::parse(text).is_err());
    }
}
