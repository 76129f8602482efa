//! # Lean: files without what only their readers need
//!
//! Styles and scripts are written for people, and a fifth of what a visit would transfer is comments
//! and indentation. They are left out, line by line, when the program starts; lines are never joined.
//! Nothing of a line of code is touched, so what is to be known of the language is little: where a
//! text may go on over lines, the whole file stays as it is.

use std::borrow::Cow;

/// A file as it is sent.
pub(super) fn lean<'a>(path: &str, text: &'a str) -> Cow<'a, str> {
    let is_script = path.ends_with(".js");
    if !(is_script || path.ends_with(".css")) || (is_script && has_long_texts(text)) {
        return Cow::Borrowed(text);
    }
    let mut lean = String::with_capacity(text.len());
    let mut in_comment = false;
    for line in text.lines().map(str::trim) {
        let begins = !in_comment && line.starts_with("/*");
        if begins || in_comment {
            in_comment = !line.contains("*/");
            // What stands behind a comment's end is code.
            let rest = line.split_once("*/").map_or("", |(_, rest)| rest.trim());
            push(&mut lean, rest);
            continue;
        }
        if !(is_script && line.starts_with("//")) {
            push(&mut lean, line);
        }
    }
    Cow::Owned(lean)
}

fn push(lean: &mut String, line: &str) {
    if !line.is_empty() {
        lean.push_str(line);
        lean.push('\n');
    }
}

/// Whether a template may go on over the end of a line.
fn has_long_texts(script: &str) -> bool {
    script.lines().any(|line| {
        let line = line.trim();
        !is_remark(line) && ticks(line) % 2 == 1
    })
}

fn is_remark(line: &str) -> bool {
    ["//", "/*", "*"]
        .iter()
        .any(|begin| line.starts_with(begin))
}

/// Backticks outside of quotes.
fn ticks(line: &str) -> usize {
    let (mut count, mut is_quoted, mut is_escaped) = (0, false, false);
    for letter in line.chars() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            '`' if !is_quoted => count += 1,
            _ => {}
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, text: &str, expected: &str) {
        assert_eq!(lean(path, text), expected, "{text:?}");
    }

    #[test]
    fn comments_and_indentation_go() {
        check(
            "a.js",
            "// a\nlet a = 1; // b\n\n  /* c\n   d */\n  f();\n",
            "let a = 1; // b\nf();\n",
        );
        check("a.js", "/** a */ b();\n", "b();\n");
        check(
            "a.js",
            "a(\"// b\");\n\"/* c */\"\n",
            "a(\"// b\");\n\"/* c */\"\n",
        );
        check("a.css", "/* a */\nb {\n  c: d;\n}\n", "b {\nc: d;\n}\n");
        check("a.svg", "<!-- a -->\n  <b/>", "<!-- a -->\n  <b/>");
    }

    #[test]
    fn a_text_over_several_lines_stays() {
        let text = "let a = `\n  // b\n`;\n";
        check("a.js", text, text);
        check("a.js", "  a(`b`, \"`\");\n", "a(`b`, \"`\");\n");
    }
}
