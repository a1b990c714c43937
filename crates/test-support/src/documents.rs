//! The command lines that the documents show, so that each program can hold its own definition against them.
//!
//! A line counts if it stands after a prompt (`$` or `#`) in a block of console, or alone in backticks. It is read as a shell
//! would read it, as far as documents go: quotes, pipes, comments, continued lines. Nothing is run here.

use std::fs;
use std::path::{Path, PathBuf};

/// Programs that run the rest of their line, with how many words before it are theirs.
const WRAPPERS: [(&[&str], usize); 4] =
    [(&["docker", "exec"], 1), (&["docker", "compose", "exec"], 1), (&["sudo", "-u"], 1), (&["sudo"], 0)];

/// A command line, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentedLine {
    /// The page and the line, as `docs/api.md:12`.
    pub place: String,
    /// The words, the program first.
    pub words: Vec<String>,
}

/// Every command line of a program in the README, the documents and the runbook.
#[must_use]
pub fn documented_lines(program: &str) -> Vec<DocumentedLine> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut pages = vec![root.join("README.md")];
    for folder in ["docs", "runbook"] {
        collect(&root.join(folder), &mut pages);
    }
    pages.sort();
    let mut lines = Vec::new();
    for page in pages {
        let text = fs::read_to_string(&page).expect("a page of the documents can be read");
        let name = page.strip_prefix(&root).expect("every page lies beneath the root").display().to_string();
        for (number, words) in command_lines(&text) {
            if words[0] == program {
                lines.push(DocumentedLine { place: format!("{name}:{number}"), words });
            }
        }
    }
    lines
}

fn collect(folder: &Path, pages: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            collect(&path, pages);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
}

/// Every command of a page, with the number of its line.
fn command_lines(page: &str) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    let mut is_console = false;
    let mut is_fenced = false;
    let mut lines = page.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            is_fenced = !is_fenced;
            is_console = is_fenced && language.trim() == "console";
            continue;
        }
        if is_console {
            let Some(command) = line.strip_prefix("$ ").or_else(|| line.strip_prefix("# ")) else { continue };
            let mut command = command.to_owned();
            while command.ends_with('\\') {
                command.pop();
                command.push_str(lines.next().map_or("", |(_, line)| line.trim_start()));
            }
            found.extend(commands(&command).into_iter().map(|words| (number + 1, words)));
        } else if !is_fenced {
            let spans = line.split('`').skip(1).step_by(2);
            found.extend(spans.flat_map(commands).map(|words| (number + 1, words)));
        }
    }
    found
}

/// The commands of a line of a shell, without what wraps them.
fn commands(line: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    for word in words(&without_placeholders(line)) {
        match word {
            Word::Text(text) => commands.last_mut().expect("there is always one").push(text),
            Word::End => commands.push(Vec::new()),
        }
    }
    commands.into_iter().map(unwrapped).filter(|words| !words.is_empty()).collect()
}

enum Word {
    Text(String),
    End,
}

/// `<id>` stands for something that the reader knows; a letter that every parser of ids and names takes stands for it here.
fn without_placeholders(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        match after.split_once('>') {
            Some((name, after))
                if name.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !name.is_empty() =>
            {
                text.push_str("01ARZ3NDEKTSV4RRFFQ69G5FAV");
                rest = after;
            }
            _ => {
                text.push('<');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

fn words(line: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some('\''), _) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (_, '\\') => word.get_or_insert_default().extend(characters.next()),
            (None, '#') if word.is_none() => break,
            (None, ' ') => words.extend(word.take().map(Word::Text)),
            (None, '|' | ';' | '&' | '(' | ')') => {
                words.extend(word.take().map(Word::Text));
                words.push(Word::End);
            }
            // What follows is a file, and no argument.
            (None, '<' | '>') => {
                // A number before it is a descriptor.
                words.extend(word.take().filter(|word| word.parse::<u32>().is_err()).map(Word::Text));
                while characters.next_if(|c| *c == '>' || *c == ' ').is_some() {}
                while characters.next_if(|c| !matches!(c, ' ' | ';' | '|' | '&' | ')')).is_some() {}
            }
            (Some(_) | None, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word.map(Word::Text));
    words
}

/// Leaves out variables that are set for the command, and programs that run it.
fn unwrapped(mut words: Vec<String>) -> Vec<String> {
    while words.first().is_some_and(|word| is_assignment(word)) {
        words.remove(0);
    }
    for (wrapper, own) in WRAPPERS {
        if words.len() > wrapper.len() + own && words.iter().zip(wrapper).all(|(word, of)| word == of) {
            return unwrapped(words.split_off(wrapper.len() + own));
        }
    }
    if let Some(first) = words.first_mut()
        && let Some((_, name)) = first.rsplit_once('/')
    {
        *first = name.to_owned();
    }
    words
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(page: &str) -> Vec<String> {
        command_lines(page).into_iter().map(|(_, words)| words.join(" ")).collect()
    }

    #[test]
    fn commands_stand_after_a_prompt_or_in_backticks() {
        let page = "`revaer ls` and\n```console\n$ revaer health   # how it is\nwell\n# revaerd migrate\n```\n```sh\n$ not this\n```\n";
        assert_eq!(read(page), ["revaer ls", "revaer health", "revaerd migrate"]);
    }

    #[test]
    fn commands_are_read_as_a_shell_reads_them() {
        for (line, expected) in [
            ("A=1 target/debug/revaer ls | head -n 1", vec!["revaer ls", "head -n 1"]),
            (
                "revaer --quiet ls 2>ids; revaer health && true",
                vec!["revaer --quiet ls", "revaer health", "true"],
            ),
            ("docker exec revaer revaer setup complete", vec!["revaer setup complete"]),
            ("sudo -u revaer revaerd log verify", vec!["revaerd log verify"]),
            ("revaer add 'a b' --label \"c d\"", vec!["revaer add a b --label c d"]),
            ("revaer status <id>", vec!["revaer status 01ARZ3NDEKTSV4RRFFQ69G5FAV"]),
        ] {
            let found: Vec<String> = commands(line).into_iter().map(|words| words.join(" ")).collect();
            assert_eq!(found, expected, "{line}");
        }
    }

    #[test]
    fn continued_lines_are_one() {
        assert_eq!(read("```console\n$ revaer add x \\\n    --label y\n```\n"), ["revaer add x --label y"]);
    }
}
