//! # Words: what a text is made of, as texts are compared
//!
//! Small letters without accents. Chinese and Japanese have no blanks between words, so each of their
//! characters is a word here; whoever indexes them says what is made of several.

/// The words of a text with where they stand, as they are compared: small letters without accents.
/// FTS5 finds the same words in what [`fold`] makes of the text.
pub(crate) fn words(text: &str) -> impl Iterator<Item = (std::ops::Range<usize>, String)> {
    let mut rest = text.char_indices().peekable();
    std::iter::from_fn(move || {
        let (start, first) = rest.find(|(_, c)| is_of_word(*c))?;
        let mut end = start + first.len_utf8();
        if !stands_alone(first) {
            while let Some((at, c)) = rest.next_if(|(_, c)| is_of_word(*c) && !stands_alone(*c)) {
                end = at + c.len_utf8();
            }
        }
        Some((start..end, plain(&text[start..end])))
    })
}

/// A text as it is indexed: its words with a blank between them.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len() + text.len() / 4);
    for (_, word) in words(text) {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(&word);
    }
    folded
}

/// Letters, digits, and the accents that follow them.
fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || is_accent(c)
}

fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// Ideographs and kana, of which words are made without blanks.
pub(crate) fn stands_alone(c: char) -> bool {
    matches!(c,
        '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
}

/// Letters with accents, after the one that they are without.
const ACCENTED: [&str; 21] = [
    "aàáâãäåāăąạảấầẩẫậắằẳẵặ",
    "cçćĉċč",
    "dďđ",
    "eèéêëēĕėęěẹẻẽếềểễệ",
    "gĝğġģ",
    "hĥ",
    "iìíîïĩīĭįịỉ",
    "jĵ",
    "kķ",
    "lĺļľł",
    "nñńņň",
    "oòóôõöōŏőọỏốồổỗộớờởỡợơ",
    "rŕŗř",
    "sśŝşšș",
    "tţťț",
    "uùúûüũūŭůűųụủứừửữựư",
    "wŵ",
    "yýÿŷỳỵỷỹ",
    "zźżž",
    "её",
    "иѝй",
];

fn plain(word: &str) -> String {
    if word.bytes().all(|byte| byte.is_ascii()) {
        return word.to_ascii_lowercase();
    }
    let small = word.chars().flat_map(char::to_lowercase);
    small
        .filter(|c| !is_accent(*c))
        .map(without_accent)
        .collect()
}

fn without_accent(c: char) -> char {
    if c.is_ascii() || stands_alone(c) {
        return c;
    }
    let same = ACCENTED.iter().find(|letters| letters.contains(c));
    same.and_then(|letters| letters.chars().next()).unwrap_or(c)
}

/// How many letters have to be changed, added, dropped or swapped with the next to make one word of
/// the other.
pub(crate) fn distance(one: &str, other: &str) -> usize {
    let one: Vec<char> = one.chars().collect();
    let other: Vec<char> = other.chars().collect();
    let mut rows = vec![(0..=other.len()).collect::<Vec<usize>>()];
    for (i, a) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let changed = rows[i][j] + usize::from(a != b);
            let mut least = changed.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && one[i - 1] == *b && other[j - 1] == *a {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_indexed_by_its_words() {
        let check = |text: &str, expected: &str| assert_eq!(fold(text), expected, "{text:?}");
        check("Hello,  World!", "hello world");
        check("Café déjà-vu ÀÉ", "cafe deja vu ae");
        check("cafe\u{301}", "cafe");
        check("今日は、hello世界 カー", "今 日 は hello 世 界 カ ー");
        check("Привет ЁЖ", "привет еж");
        check("don't @ana 3.14", "don t ana 3 14");
        check(" \n🎉 !", "");
    }
}
