//! Text of strangers, made harmless for a terminal.
//!
//! Controls (ESC, and the one-character forms of the C1 block) move cursors and rewrite what stands on the screen; direction
//! overrides make `gpj.exe` of `exe.jpg`; line separators break lines. Joiners and marks are left alone: scripts need them.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Replaces each dangerous character by its number: `\u{1b}`.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(is_dangerous) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => escaped.push_str("\\n"),
            '\t' => escaped.push_str("\\t"),
            '\r' => escaped.push_str("\\r"),
            c if is_dangerous(c) => {
                let _ = write!(escaped, "\\u{{{:x}}}", u32::from(c));
            }
            c => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

/// The same JSON on one line, with those characters in JSON's own escapes. Outside of texts JSON has white space alone.
pub(crate) fn json_for_a_terminal(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\n' | '\r' | '\t' => escaped.push(' '),
            c if is_dangerous(c) => {
                let _ = write!(escaped, "\\u{:04x}", u32::from(c));
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// All of them lie in the basic plane, so that one JSON escape holds each.
fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("Sammlung 合集 שלום", "Sammlung 合集 שלום")]
    #[case::joiner("क्\u{200d}ष", "क्\u{200d}ष")]
    #[case::clear_screen("a\u{1b}[2Jb", "a\\u{1b}[2Jb")]
    #[case::one_character_csi("a\u{9b}2Jb", "a\\u{9b}2Jb")]
    #[case::title("\u{1b}]0;x\u{7}", "\\u{1b}]0;x\\u{7}")]
    #[case::delete("a\u{7f}", "a\\u{7f}")]
    #[case::lines("a\nb\rc\td", "a\\nb\\rc\\td")]
    #[case::override_of_direction("a\u{202e}gpj.exe", "a\\u{202e}gpj.exe")]
    #[case::isolate("\u{2066}", "\\u{2066}")]
    fn dangerous_characters_become_numbers(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(escape(text), expected);
    }

    #[test]
    fn json_says_the_same_after_escaping() {
        let hostile = serde_json::json!({ "name": "a\u{1b}[2J\u{9b}\u{7f}\u{202e}\n\u{feff}合" });
        let escaped = json_for_a_terminal(&serde_json::to_string_pretty(&hostile).unwrap());
        assert!(!escaped.contains(is_dangerous), "{escaped}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), hostile);
    }
}
