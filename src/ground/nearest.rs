//! # Nearest: the word that somebody may have meant

/// The word among those known that somebody may have meant.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.map(|known| (distance(word, known), known));
    let (distance, near) = near.min_by_key(|(distance, _)| *distance)?;
    let short = word.chars().count().min(near.chars().count());
    // A third of the letters wrong is another word.
    (distance <= 1 + short / 4 && distance < short).then_some(near)
}

/// How many letters have to be changed, added, dropped or swapped with the next to make one word of
/// the other.
fn distance(one: &str, other: &str) -> usize {
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
    fn a_slip_is_known_and_another_word_is_not() {
        let near = |word| nearest(word, ["help", "remind", "me"].into_iter());
        assert_eq!(near("hepl"), Some("help"));
        assert_eq!(near("remindd"), Some("remind"));
        assert_eq!(near("xyzzy"), None);
        assert_eq!(near(""), None);
    }
}
