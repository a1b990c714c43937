//! The code of a source file, without its words.
//!
//! A rule about code must not stumble over a comment or a text that merely mentions what it forbids. This is not a parser: it
//! blanks comments, texts and characters, and keeps every line where it was.

/// Replaces comments and the insides of literals by spaces; line breaks stay.
pub fn without_words(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let blanked = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => text(rest),
            'r' | 'b' | 'c' if !ends_in_word(&code) => raw_text(rest).unwrap_or(0),
            '\'' => character(rest).unwrap_or(0),
            _ => 0,
        };
        let taken = if blanked == 0 { first.len_utf8() } else { blanked };
        let (piece, after) = rest.split_at(taken);
        if blanked == 0 {
            code.push_str(piece);
        } else {
            code.extend(piece.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        }
        rest = after;
    }
    code
}

/// The lines (counted from one) that hold `word` as a whole word.
pub fn lines_with<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    code.lines().enumerate().filter_map(move |(index, line)| {
        let whole = line
            .match_indices(word)
            .any(|(at, _)| !line[..at].ends_with(is_part) && !line[at + word.len()..].starts_with(is_part));
        whole.then_some(index + 1)
    })
}

fn ends_in_word(code: &str) -> bool {
    code.ends_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// The length of a block comment; they nest.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// The length of a text from its first quote to its last.
fn text(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of `r"…"`, `r#"…"#`, `br"…"` and their kin, if this is one.
fn raw_text(rest: &str) -> Option<usize> {
    let after_prefix = rest.trim_start_matches(['b', 'c']).strip_prefix('r')?;
    let body = after_prefix.trim_start_matches('#');
    let hashes = after_prefix.len() - body.len();
    let opened = rest.len() - body.len() + 1;
    let body = body.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(body.find(&end).map_or(rest.len(), |at| opened + at + end.len()))
}

/// The length of a character, if this is one and not a lifetime.
fn character(rest: &str) -> Option<usize> {
    let inside = &rest[1..];
    if let Some(escape) = inside.strip_prefix('\\') {
        let skipped = escape.chars().next()?.len_utf8();
        return Some(2 + skipped + escape[skipped..].find('\'')? + 1);
    }
    let c = inside.chars().next()?;
    inside[c.len_utf8()..].starts_with('\'').then(|| 1 + c.len_utf8() + 1)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::line_comment("a // unsafe\nb", false)]
    #[case::doc_comment("/// unsafe\nfn f() {}", false)]
    #[case::nested_block_comment("/* /* x */ unsafe */ fn f() {}", false)]
    #[case::text(r#"let x = "unsafe \" unsafe";"#, false)]
    #[case::raw_text(r##"let x = r#"a " unsafe"#;"##, false)]
    #[case::byte_text(r#"let x = br"unsafe";"#, false)]
    #[case::part_of_a_word("#![deny(unsafe_code)]", false)]
    #[case::code("unsafe { f() }", true)]
    #[case::after_a_character("let q = '\"'; unsafe {}", true)]
    #[case::after_an_escaped_character(r"let q = '\''; unsafe {}", true)]
    #[case::after_a_lifetime("fn f<'a>(x: &'a str) { unsafe {} }", true)]
    #[case::after_a_word_that_ends_in_r(r#"for"x"; unsafe {}"#, true)]
    #[case::after_a_raw_text(r##"r#"a"# ; unsafe {}"##, true)]
    fn unsafe_is_found_in_code_alone(#[case] source: &str, #[case] found: bool) {
        let code = without_words(source);
        assert_eq!(lines_with(&code, "unsafe").next().is_some(), found, "{code}");
    }

    #[test]
    fn lines_stay_where_they_were() {
        let code = without_words("/* a\nb */\n\"c\nd\"\nunsafe {}");
        assert_eq!(lines_with(&code, "unsafe").collect::<Vec<_>>(), [5]);
    }
}
