//! # Inline: emphasis, code and links in lines

use std::collections::{BTreeMap, HashSet};

use super::{DEPTH_MAX, push_escaped};

/// Letters that text direction is changed with; in an address they hide where it leads.
const TURNS: [char; 11] = [
    '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}',
    '\u{2067}', '\u{2068}', '\u{2069}',
];

/// Appends lines as HTML.
pub(super) fn inline(text: &str, out: &mut String) {
    let text: Vec<char> = text.chars().collect();
    let solid = solids(&text);
    let source = Source { text, solid };
    source.within(0, source.text.len(), 0, false, out);
}

/// What is one piece, whatever stands in it.
enum Node {
    Text(String),
    Code(String),
    Link(String),
}

struct Solid {
    end: usize,
    node: Node,
}

struct Source {
    text: Vec<char>,
    solid: BTreeMap<usize, Solid>,
}

fn is_word(letter: Option<&char>) -> bool {
    letter.is_some_and(|it| it.is_alphanumeric())
}

fn is_blank(letter: Option<&char>) -> bool {
    letter.is_none_or(|it| it.is_whitespace())
}

/// Where the run of equal letters that begins here ends.
fn run_end(text: &[char], at: usize) -> usize {
    let run = text[at..].iter().take_while(|it| **it == text[at]);
    at + run.count()
}

// ------------------------------------------------------------------------------ code and addresses

/// Code, addresses, names that are called, and what is escaped.
fn solids(text: &[char]) -> BTreeMap<usize, Solid> {
    let mut found = BTreeMap::new();
    let mut hopeless = HashSet::new();
    let mut at = 0;
    while at < text.len() {
        match solid_at(text, at, &mut hopeless) {
            Ok(solid) => {
                let end = solid.end;
                found.insert(at, solid);
                at = end;
            }
            Err(end) => at = end,
        }
    }
    found
}

/// The piece that begins here, or where to look on.
fn solid_at(text: &[char], at: usize, hopeless: &mut HashSet<usize>) -> Result<Solid, usize> {
    let before = at.checked_sub(1).map(|before| &text[before]);
    match text[at] {
        '\\' => match text.get(at + 1) {
            Some(next) if next.is_ascii_punctuation() => Ok(Solid {
                end: at + 2,
                node: Node::Text(next.to_string()),
            }),
            _ => Err(at + 1),
        },
        '`' => ticks(text, at, hopeless),
        // A name that is called keeps its underscores.
        '@' if !is_word(before) && before != Some(&'@') => {
            let may = |it: &&char| it.is_ascii_alphanumeric() || "_.-".contains(**it);
            let length = text[at + 1..].iter().take_while(may).count();
            match length {
                0 => Err(at + 1),
                _ => Ok(Solid {
                    end: at + 1 + length,
                    node: Node::Text(text[at..=at + length].iter().collect()),
                }),
            }
        }
        'h' | 'H' | 'm' | 'M' if !is_word(before) && begins_address(&text[at..]) => {
            let is_end = |it: &char| it.is_whitespace() || "<>\"`".contains(*it);
            let length = text[at..].iter().take_while(|it| !is_end(it)).count();
            let whole: String = text[at..at + length].iter().collect();
            let address = trimmed(&whole);
            match is_safe(address) {
                true => Ok(Solid {
                    end: at + address.chars().count(),
                    node: Node::Link(address.to_owned()),
                }),
                false => Err(at + 1),
            }
        }
        _ => Err(at + 1),
    }
}

fn begins_address(text: &[char]) -> bool {
    let begins = |scheme: &str| {
        let mut letters = text.iter().map(char::to_ascii_lowercase);
        scheme.chars().all(|letter| letters.next() == Some(letter))
    };
    begins("http://") || begins("https://") || begins("mailto:")
}

fn ticks(text: &[char], at: usize, hopeless: &mut HashSet<usize>) -> Result<Solid, usize> {
    let open = run_end(text, at);
    let length = open - at;
    if hopeless.contains(&length) {
        return Err(open);
    }
    let mut close = open;
    while close < text.len() {
        if text[close] != '`' {
            close += 1;
            continue;
        }
        let end = run_end(text, close);
        if end - close == length {
            let inner: String = text[open..close].iter().collect();
            let has_blanks = inner.starts_with(' ') && inner.ends_with(' ');
            let bare = match inner.trim().is_empty() || !has_blanks {
                true => &*inner,
                false => &inner[1..inner.len() - 1],
            };
            return Ok(Solid {
                end,
                node: Node::Code(bare.to_owned()),
            });
        }
        close = end;
    }
    hopeless.insert(length);
    Err(open)
}

/// An address without what belongs to the sentence around it.
fn trimmed(mut address: &str) -> &str {
    let count = |text: &str, letter: char| text.matches(letter).count();
    let mut closing = count(address, ')').saturating_sub(count(address, '('));
    while let Some(last) = address.chars().next_back() {
        let is_odd = last == ')' && closing > 0;
        if !is_odd && !".,:;!?'*_~]".contains(last) {
            break;
        }
        if is_odd {
            closing -= 1;
        }
        address = &address[..address.len() - last.len_utf8()];
    }
    address
}

/// Whether an address may be followed.
fn is_safe(address: &str) -> bool {
    let begins = |scheme: &str| {
        let head = address.get(..scheme.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(scheme)) && address.len() > scheme.len()
    };
    let odd = |c: char| c.is_control() || c.is_whitespace() || TURNS.contains(&c);
    let begins_well = begins("http://") || begins("https://") || begins("mailto:");
    (begins_well && !address.contains(odd)) || is_document(address)
}

/// A document of this site, which answers link.
fn is_document(address: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "?=#-".contains(c);
    let rest = address.strip_prefix("/docs/");
    rest.is_some_and(|rest| !rest.is_empty() && rest.chars().all(plain))
}

// ------------------------------------------------------------------------------------- emphasis

/// Marks for which no end was found once are not looked for again.
type Hopeless = HashSet<(char, usize)>;

/// What stands between marks, and where it ends.
struct Found {
    inner: std::ops::Range<usize>,
    end: usize,
    opens: String,
    closes: &'static str,
    is_link: bool,
}

impl Source {
    fn within(&self, from: usize, to: usize, depth: usize, in_link: bool, out: &mut String) {
        let mut hopeless = Hopeless::new();
        let mut at = from;
        while at < to {
            if let Some(solid) = self.solid.get(&at).filter(|it| it.end <= to) {
                write(&solid.node, in_link, out);
                at = solid.end;
                continue;
            }
            let letter = self.text[at];
            let found = match depth < DEPTH_MAX {
                true => self.special(at, to, &mut hopeless),
                false => None,
            };
            if let Some(found) = found {
                let is_hidden = found.is_link && in_link;
                out.push_str(if is_hidden { "" } else { &found.opens });
                let (inner, inside) = (found.inner, in_link || found.is_link);
                self.within(inner.start, inner.end, depth + 1, inside, out);
                out.push_str(if is_hidden { "" } else { found.closes });
                at = found.end;
            } else if letter == '\n' {
                out.push_str("<br>");
                at += 1;
            } else {
                let end = match letter {
                    '*' | '_' | '~' => run_end(&self.text, at).min(to),
                    _ => at + 1,
                };
                let plain: String = self.text[at..end].iter().collect();
                push_escaped(out, &plain);
                at = end;
            }
        }
    }

    fn special(&self, at: usize, to: usize, hopeless: &mut Hopeless) -> Option<Found> {
        match self.text[at] {
            '[' => self.named(at, to, hopeless),
            '*' | '_' | '~' => self.marked(at, to, hopeless),
            _ => None,
        }
    }

    fn marked(&self, at: usize, to: usize, hopeless: &mut Hopeless) -> Option<Found> {
        let text = &self.text;
        let letter = text[at];
        let length = run_end(text, at).min(to) - at;
        let may_be_more = letter == '*';
        let size = if length == 3 && may_be_more {
            2
        } else {
            length
        };
        let (opens, closes) = match (letter, size) {
            ('*' | '_', 1) => ("<em>", "</em>"),
            ('*', 2) => ("<strong>", "</strong>"),
            ('~', 2) => ("<s>", "</s>"),
            _ => return None,
        };
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        let is_inside_word = letter == '_' && is_word(before);
        if hopeless.contains(&(letter, size)) || is_blank(text.get(at + length)) || is_inside_word {
            return None;
        }
        let mut end = at + length;
        while end < to {
            if let Some(solid) = self.solid.get(&end) {
                end = solid.end;
                continue;
            }
            if text[end] != letter {
                end += 1;
                continue;
            }
            let close = run_end(text, end).min(to);
            let fits = close - end == size || (close - end == 3 && may_be_more);
            let goes_on = letter == '_' && is_word(text.get(close));
            if fits && !is_blank(text.get(end - 1)) && !goes_on {
                return Some(Found {
                    inner: at + size..close - size,
                    end: close,
                    opens: opens.to_owned(),
                    closes,
                    is_link: false,
                });
            }
            end = close;
        }
        hopeless.insert((letter, size));
        None
    }

    /// `[words](address)`
    fn named(&self, at: usize, to: usize, hopeless: &mut Hopeless) -> Option<Found> {
        let text = &self.text;
        if hopeless.contains(&('[', 1)) {
            return None;
        }
        // Words have no bracket in them, so what is looked through once is not looked through again.
        let words = text[at + 1..to].iter().take_while(|it| **it != '[');
        let count = words.count();
        let is_middle = |pair: &[char]| pair == [']', '('];
        let until = (at + 1 + count).min(to);
        let middle = at + 1 + text[at + 1..until].windows(2).position(is_middle)?;
        let Some(length) = text[middle..to].iter().position(|it| *it == ')') else {
            hopeless.insert(('[', 1));
            return None;
        };
        let end = middle + length;
        let words = &text[at + 1..middle];
        let address: String = text[middle + 2..end].iter().collect();
        let is_plain = !words.is_empty() && !words.contains(&'\n');
        if !is_plain || !is_safe(&address) {
            return None;
        }
        Some(Found {
            inner: at + 1..middle,
            end: end + 1,
            opens: opening(&address),
            closes: "</a>",
            is_link: true,
        })
    }
}

fn opening(address: &str) -> String {
    let mut tag = "<a rel=\"noopener noreferrer\" href=\"".to_owned();
    push_escaped(&mut tag, address);
    tag.push_str("\">");
    tag
}

fn write(node: &Node, in_link: bool, out: &mut String) {
    match node {
        Node::Text(text) => push_escaped(out, text),
        Node::Code(text) => {
            out.push_str("<code dir=\"ltr\">");
            push_escaped(out, text);
            out.push_str("</code>");
        }
        // There is no link in a link.
        Node::Link(address) if in_link => push_escaped(out, address),
        Node::Link(address) => {
            out.push_str(&opening(address));
            push_escaped(out, address);
            out.push_str("</a>");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let mut out = String::new();
        inline(text, &mut out);
        let out = out.replace("<a rel=\"noopener noreferrer\" href=", "<a ");
        assert_eq!(out, expected, "{text:?}");
    }

    #[test]
    fn marks_are_emphasis_where_they_stand_right() {
        check(
            "*a* **b** ~~c~~ _d_",
            "<em>a</em> <strong>b</strong> <s>c</s> <em>d</em>",
        );
        check("***a***", "<strong><em>a</em></strong>");
        check("a * b * c", "a * b * c");
        check("snake_case_name", "snake_case_name");
        check("**a", "**a");
        check("**a *b* c**", "<strong>a <em>b</em> c</strong>");
        check("\\*a\\*", "*a*");
        check("2*3*4", "2<em>3</em>4");
    }

    #[test]
    fn code_is_left_alone() {
        check("`*a*`", "<code dir=\"ltr\">*a*</code>");
        check("`` a`b ``", "<code dir=\"ltr\">a`b</code>");
        check("*a `b*` c", "*a <code dir=\"ltr\">b*</code> c");
        check("`a", "`a");
    }

    #[test]
    fn addresses_lead_where_they_say() {
        check(
            "see http://a.example/x_y_z.",
            "see <a \"http://a.example/x_y_z\">http://a.example/x_y_z</a>.",
        );
        check(
            "(https://a/b(c))",
            "(<a \"https://a/b(c)\">https://a/b(c)</a>)",
        );
        check("[w *o*](http://a)", "<a \"http://a\">w <em>o</em></a>");
        check("[http://b](http://a)", "<a \"http://a\">http://b</a>");
        check("[w](javascript:x)", "[w](javascript:x)");
        check("[w](/x)", "[w](/x)");
        check("http://", "http://");
        check("xhttp://a", "xhttp://a");
        check("mailto:a@b.c", "<a \"mailto:a@b.c\">mailto:a@b.c</a>");
        check("http://a\u{202e}b", "http://a\u{202e}b");
        check("@a_b_c", "@a_b_c");
    }

    #[test]
    fn much_of_one_thing_is_no_work() {
        for piece in ["*a ", "[", "`", "[a](", "_", "~~", "http://a ", "**a*b "] {
            let mut out = String::new();
            inline(&piece.repeat(8000 / piece.len()), &mut out);
        }
    }
}
